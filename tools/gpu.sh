# The parts of `tools/dev gpu`: what is carried to a machine with a GPU, and what is checked and measured there.
# INGOT_GPU_TARGET, INGOT_GPU_BATCHES, INGOT_GPU_FLAGS, INGOT_GPU_CHECKS and INGOT_GPU_SHAPES narrow it; tests/e2e/gpu_command.py runs it without a GPU.

# name:checkpoint:flags of ingotc. The last ones have sequences of several splits.
GPU_CHECKS=${INGOT_GPU_CHECKS-"
  llama-yarn:tests/golden/models/data/llama-yarn:
  qwen3:tests/golden/models/data/qwen3:--dtype=float32
  gpt2-int8:tests/golden/models/data/gpt2:--quantize=int8
  llama-fp8:tests/golden/models/data/llama-fp8:
  long:tests/bench/checks/long:--random-weights=1,--dtype=float32
  long-bf16:tests/bench/checks/long:--random-weights=1,--dtype=bfloat16
  long-int4:tests/bench/checks/long:--random-weights=1,--quantize=int4
  long-fp8:tests/bench/checks/long:--random-weights=1,--quantize=fp8"}
GPU_SHAPES=${INGOT_GPU_SHAPES-$(ls -d tests/bench/shapes/*/)}

gpu_targets() { printf -- '--target=%s ' ${INGOT_GPU_TARGET:-cuda}; }

# The value of a number in a line of JSON, scaled.
json_number() { sed -n "s/.*\"$2\":\([-+0-9.e]*\).*/\1/p" <<<"$1" | awk -v scale="$3" '{ printf "%.2f", $1 * scale }'; }

# A prompt of pseudo-random ids a line, of the lengths that are given.
gpu_prompts() {
  local vocabulary=$1 length
  shift
  for length in "$@"; do
    awk -v n="$length" -v vocabulary="$vocabulary" 'BEGIN { for (i = 0; i < n; ++i) printf "%s%d", i ? "," : "", (i * i * 31 + i * 7 + n) % (vocabulary - 3) + 3; print "" }'
  done
}

gpu_prepare() {
  local folder=$1 shape one name checkpoint flags cpu=x86-64-v3
  [ -n "${INGOT_BUILT:-}" ] || build
  [ "$(uname -m)" = x86_64 ] || cpu=aarch64
  mkdir -p "$folder/checks"
  cp "$BUILD/bin/ingot" "$folder/ingot"
  for one in $GPU_CHECKS; do
    IFS=: read -r name checkpoint flags <<<"$one"
    local model=$folder/checks/$name.ingot
    "$BUILD/bin/ingotc" "$checkpoint" -o "$model" $(gpu_targets) --target=cpu:$cpu ${flags//,/ } --quiet
    local inspected lengths="1 15 17 20"
    inspected=$("$folder/ingot" inspect "$model" --json | tr -d ' \n')
    case $name in long*) lengths="1 63 255 300 700" ;; esac
    gpu_prompts "$(json_number "$inspected" vocab 1 | cut -d. -f1)" $lengths >"$folder/checks/$name.prompts"
    gpu_tokens "$folder/ingot" "$model" --device cpu >"$folder/checks/$name.expected"
  done
  for shape in $GPU_SHAPES; do
    for type in bfloat16:none bfloat16:int8 bfloat16:int4 bfloat16:fp8; do
      "$BUILD/bin/ingotc" "$shape" -o "$folder/$(basename "$shape").${type/:none/}.ingot" --random-weights --dtype="${type%:*}" \
        --quantize="${type#*:}" $(gpu_targets) --quiet
    done
  done
  du -sh "$folder" >&2
}

# gpu_generate TOOL MODEL FLAGS...: all prompts of the model.
gpu_generate() {
  local tool=$1 model=$2 prompts=()
  shift 2
  while read -r prompt; do prompts+=(--prompt-token-ids "$prompt"); done <"${model%.ingot}.prompts"
  "$tool" generate "$model" "${prompts[@]}" --max-tokens 10 --ignore-eos "$@"
}
gpu_tokens() { gpu_generate "$@" --temperature 0; }

# Log-probabilities too, without what differs from run to run.
gpu_bits() {
  gpu_generate "$@" --json --prompt-logprobs 3 --logprobs 3 --temperature 1 --seed 5 | sed 's/"num_cached_tokens".*//; s/"request_id":"[0-9]*",//'
}
gpu_bits_alone() {
  local tool=$1 model=$2 scratch prompt
  scratch=$(mktemp -d)
  cp "$model" "$scratch/one.ingot"
  while read -r prompt; do
    echo "$prompt" >"$scratch/one.prompts"
    gpu_bits "$tool" "$scratch/one.ingot" "${@:3}"
  done <"${model%.ingot}.prompts"
  rm -rf "$scratch"
}

# Room for the longest prompt and a little more: the others wait, or are preempted.
gpu_small_memory() {
  local inspected
  inspected=$("$1" inspect "$2" --json | tr -d ' \n')
  awk -F, -v bytes="$(json_number "$inspected" kv_bytes_per_token 1)" '{ if (NF > most) most = NF } END { printf "%d", (most + 48) * bytes }' "${2%.ingot}.prompts"
}

# Prints one line for what was wrong; the number of them is the status.
gpu_check_model() {
  local tool=$1 model=$2 failed=0 name alone way
  name=$(basename "$model" .ingot)
  [ "$(gpu_tokens "$tool" "$model" --device cuda)" = "$(cat "${model%.ingot}.expected")" ] || { echo "$name: other tokens than the CPU"; failed=$((failed + 1)); }
  alone=$(gpu_bits_alone "$tool" "$model" --device cuda)
  [ -n "$alone" ] || { echo "$name: no answer"; failed=$((failed + 1)); }
  for way in "batched" "in chunks:--max-num-batched-tokens=7 --max-num-seqs=7" "preempted:--kv-cache-memory=$(gpu_small_memory "$tool" "$model")"; do
    local flags=${way#*:}
    [ "$flags" != "$way" ] || flags=
    [ "$(gpu_bits "$tool" "$model" --device cuda $flags)" = "$alone" ] || { echo "$name: other bits ${way%%:*} than alone"; failed=$((failed + 1)); }
  done
  return $failed
}

gpu_sanitize() {
  local tool=$1 model=$2 kind
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer: not here, skipped"; return 0; }
  for kind in memcheck racecheck synccheck initcheck; do
    compute-sanitizer --tool $kind --error-exitcode 9 "$tool" generate "$model" --prompt-token-ids "$(head -2 "${model%.ingot}.prompts" | tail -1)" \
      --max-tokens 3 --temperature 0 --device cuda >"$model.$kind" 2>&1 || { echo "compute-sanitizer $kind: see $model.$kind"; return 1; }
  done
  echo "compute-sanitizer: nothing found in $(basename "$model")"
}

gpu_check() {
  local tool=$1 folder=$2 failed=0 model
  for model in "$folder"/checks/*.ingot; do
    [ -f "$model" ] || continue
    if gpu_check_model "$tool" "$model"; then echo "$(basename "$model" .ingot): tokens of the CPU, the same bits alone, batched, in chunks, preempted"; else failed=1; fi
    gpu_sanitize "$tool" "$model" || failed=1
  done
  return $failed
}

gpu_measure() {
  local tool=$1 folder=$2 file batch line row='%-32s%6s%10s%10s%10s%8s%14s\n'
  # shellcheck disable=SC2059
  printf "$row" file batch tok/s GB/s copy share "prompt tok/s"
  for file in "$folder"/*.ingot; do
    [ -f "$file" ] || continue
    for batch in ${INGOT_GPU_BATCHES:-1 8 64}; do
      line=$("$tool" bench "$file" --device cuda --batch "$batch" --rounds 2 --json ${INGOT_GPU_FLAGS:-} 2>&1) || { echo "$(basename "$file") batch $batch: $line"; continue; }
      # shellcheck disable=SC2059
      printf "$row" "$(basename "$file" .ingot)" "$batch" "$(json_number "$line" decode_tokens_per_s 1)" "$(json_number "$line" decode_bytes_per_s 1e-9)" \
        "$(json_number "$line" read_bandwidth_bytes_per_s 1e-9)" "$(json_number "$line" decode_share_of_bandwidth 1)" "$(json_number "$line" prompt_tokens_per_s 1)"
    done
  done
}

# Checks first: speed of wrong answers is of no use. Measures all the same, so that a lent GPU loses nothing, and fails at the end.
gpu_run() {
  local folder=$1 tool=$1/ingot failed=0
  if ! "$tool" --version >/dev/null 2>&1; then
    cmake -S . -B "$BUILD-gpu" -DINGOT_BUILD_COMPILER=OFF -DINGOT_BUILD_TESTS=OFF -DCMAKE_BUILD_TYPE=Release
    cmake --build "$BUILD-gpu" -j "$JOBS" --target ingot_tool
    tool=$BUILD-gpu/bin/ingot
  fi
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.mem --format=csv,noheader
  gpu_check "$tool" "$folder" || failed=1
  gpu_measure "$tool" "$folder"
  [ $failed = 0 ] || say "some checks failed: see above"
  return $failed
}
