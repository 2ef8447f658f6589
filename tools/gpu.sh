# The parts of `tools/dev gpu`: what is carried to a machine with a GPU, and what is checked and measured there.
# INGOT_GPU_TARGET, INGOT_GPU_BATCHES, INGOT_GPU_FLAGS, INGOT_GPU_CHECKS, INGOT_GPU_SHAPES and INGOT_GPU_TYPES narrow it,
# INGOT_GPU_MOST_SECONDS and INGOT_GPU_CHECK_SECONDS bound each of its runs;
# tests/e2e/gpu_command.py runs it without a GPU.

# name:checkpoint:flags of ingotc. The last ones have sequences of several splits.
GPU_CHECKS=${INGOT_GPU_CHECKS-"
  llama-yarn:tests/golden/models/data/llama-yarn:
  qwen3:tests/golden/models/data/qwen3:--dtype=float32
  gpt2-int8:tests/golden/models/data/gpt2:--quantize=int8
  llama-fp8:tests/golden/models/data/llama-fp8:
  long:tests/bench/checks/long:--random-weights=1,--dtype=float32
  long-f16:tests/bench/checks/long:--random-weights=1,--dtype=float16
  long-bf16:tests/bench/checks/long:--random-weights=1,--dtype=bfloat16
  long-int4:tests/bench/checks/long:--random-weights=1,--quantize=int4
  long-fp8:tests/bench/checks/long:--random-weights=1,--quantize=fp8
  long-int8-cache:tests/bench/checks/long:--random-weights=1,--dtype=bfloat16,--kv-cache-dtype=int8
  long-persistent:tests/bench/checks/long:--random-weights=1,--dtype=float16,--cuda-persistent
  long-persistent-int8:tests/bench/checks/long:--random-weights=1,--quantize=int8,--cuda-persistent"}
GPU_SHAPES=${INGOT_GPU_SHAPES-$(ls -d tests/bench/shapes/*/)}
# dtype:quantize, and flags of ingotc without their dashes. The shapes are those of bf16 checkpoints.
GPU_TYPES=${INGOT_GPU_TYPES:-auto:none auto:none:cuda-persistent bfloat16:none auto:int8 auto:int8:cuda-persistent auto:int8:group-size=64 auto:int4 auto:fp8}
# What is carried is at most so large; the tool runs where the C library is at least that of Ubuntu 22.04; code for all GPUs costs a model so much.
GPU_MOST_MIB=${INGOT_GPU_MOST_MIB:-48}
GPU_GLIBC=2.35
GPU_MOST_RATIO=1.25
# Seconds that one run may take: a kernel that hangs does not cost the rest of a lent GPU's time.
GPU_MOST_SECONDS=${INGOT_GPU_MOST_SECONDS:-120}
GPU_CHECK_SECONDS=${INGOT_GPU_CHECK_SECONDS:-40}
# Models that are checked side by side share the GPU's memory.
GPU_CHECK_MEMORY=64MiB
gpu_limited() { timeout -k 5 "$GPU_MOST_SECONDS" "$@"; }

gpu_targets() { printf -- '--target=%s ' ${INGOT_GPU_TARGET:-cuda}; }
# Benchmark files with code for every GPU would be too much to carry; emulated code is of use to small models alone.
GPU_MEASURED="cuda:sm_80 cuda:sm_86 cuda:sm_89 cuda:sm_90a cuda:sm_100a cuda:sm_120a"
gpu_real_targets() { printf -- '--target=%s\n' ${INGOT_GPU_TARGET:-$GPU_MEASURED} | grep -v emulated; }

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
  local folder=$1 shape one name checkpoint flags dtype quantize flag cpu=x86-64-v3
  [ -n "${INGOT_BUILT:-}" ] || build
  [ "$(uname -m)" = x86_64 ] || cpu=aarch64
  mkdir -p "$folder/checks"
  gpu_portable_tool "$folder/ingot" || return 1
  for one in $GPU_CHECKS; do
    IFS=: read -r name checkpoint flags <<<"$one"
    local model=$folder/checks/$name.ingot
    "$BUILD/bin/ingotc" "$checkpoint" -o "$model" $(gpu_targets) --target=cpu:$cpu ${flags//,/ } --quiet
    local inspected lengths="1 15 17 20"
    inspected=$("$folder/ingot" inspect "$model" --json | tr -d ' \n')
    case $name in long*) lengths="1 63 255 300 700" ;; esac
    gpu_prompts "$(json_number "$inspected" vocab 1 | cut -d. -f1)" $lengths >"$folder/checks/$name.prompts"
    gpu_tokens "$folder/ingot" "$model" --device cpu >"$folder/checks/$name.expected"
    gpu_logprobs "$folder/ingot" "$model" --device cpu >"$folder/checks/$name.logprobs"
  done
  for shape in $GPU_SHAPES; do
    for one in $GPU_TYPES; do
      IFS=: read -r dtype quantize flag <<<"$one"
      name=$(basename "$shape").$dtype:$quantize${flag:+:$flag}
      name=${name/:none/}
      "$BUILD/bin/ingotc" "$shape" -o "$folder/$name.ingot" --random-weights --dtype="$dtype" --quantize="$quantize" \
        ${flag:+--$flag} $(gpu_real_targets) --quiet
    done
  done
  tar -C "$(dirname "$folder")" -czf "$folder.tar.gz" "$(basename "$folder")"
  gpu_sizes "$folder"
}

# The tool that brings its C++ library along, stripped, if it needs no more than an old enough C library.
gpu_portable_tool() {
  strip -o "$1" "$BUILD/bin/portable/ingot"
  local others newest
  others=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|libdl|libpthread|ld-linux[-a-z0-9_]*)\.so' | tr '\n' ' ')
  newest=$(readelf -V "$1" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)
  [ -z "$others" ] || { say "$1 needs $others: other distributions may not have it"; return 1; }
  [ "$(printf 'GLIBC_%s\n%s\n' $GPU_GLIBC "$newest" | sort -V | tail -1)" = GLIBC_$GPU_GLIBC ] || { say "$1 needs $newest, expected at most GLIBC_$GPU_GLIBC"; return 1; }
}

# Of a file of random weights: its size with the weights' bytes and code for all targets, over that with code for the one that has the least.
gpu_targets_ratio() {
  local inspected weights
  inspected=$("$1" inspect "$2" --json | tr -d ' \n')
  weights=$(grep -o '"tensors":[0-9]*,"bytes":[0-9]*' <<<"$inspected" | awk -F: '{ sum += $3 } END { print sum }')
  grep -o '"features":\[[^]]*\],"code_bytes":[0-9]*' <<<"$inspected" | awk -F: -v weights="$weights" -v file="$(stat -c %s "$2")" '
    { code += $NF; if (NR == 1 || $NF < least) least = $NF } END { printf "%.4f", (weights + file) / (weights + file - code + least) }'
}

# Prints what is carried, and fails where it is too much.
gpu_sizes() {
  local folder=$1 file ratio failed=0
  for file in "$folder"/*.ingot; do
    [ -f "$file" ] || continue
    ratio=$(gpu_targets_ratio "$folder/ingot" "$file")
    echo "$(basename "$file" .ingot): with its weights and code for all targets $ratio of the size with one target (bar <= $GPU_MOST_RATIO)"
    awk -v ratio="$ratio" -v most=$GPU_MOST_RATIO 'BEGIN { exit ratio > most }' || failed=1
  done
  mib() { { du -cb "$@" 2>/dev/null || true; } | awk 'END { printf "%.1f", $1 / 1048576 }'; }
  local carried
  carried=$(mib "$folder/ingot" "$folder"/*.ingot)
  echo "the tool $(mib "$folder/ingot") MiB, with the benchmark files $carried MiB (bar <= $GPU_MOST_MIB); checks $(mib "$folder/checks") MiB; $folder.tar.gz $(mib "$folder.tar.gz") MiB"
  awk -v carried="$carried" -v most="$GPU_MOST_MIB" 'BEGIN { exit carried > most }' || { say "more than $GPU_MOST_MIB MiB: INGOT_GPU_TARGET and INGOT_GPU_SHAPES narrow it"; failed=1; }
  return $failed
}

# gpu_generate TOOL MODEL FLAGS...: all prompts of the model.
gpu_generate() {
  local tool=$1 model=$2 prompts=()
  shift 2
  while read -r prompt; do prompts+=(--prompt-token-ids "$prompt"); done <"${model%.ingot}.prompts"
  [[ " $*" == *" --kv-cache-memory="* ]] || set -- "$@" --kv-cache-memory=$GPU_CHECK_MEMORY
  timeout -k 5 "$GPU_CHECK_SECONDS" "$tool" generate "$model" "${prompts[@]}" --max-tokens 10 --ignore-eos "$@"
}
gpu_tokens() { gpu_generate "$@" --temperature 0; }

# A line for each log-probability of those tokens: its place, its id, itself. An object that opens with one is the next place.
gpu_logprobs() {
  gpu_generate "$@" --json --prompt-logprobs 3 --logprobs 3 --temperature 0 | grep -oE '[{,]"[0-9]+":\{"logprob":[-+0-9.e]+' |
    awk -F '[":]+' '{ place += /^[{]/; print place, $2, $5 }'
}
# gpu_difference OURS EXPECTED: the largest one of ids that both list; 1e9 where not the same places are there.
gpu_difference() {
  awk 'FNR == NR { ours[$1, $2] = $3; places = $1; next }
    ($1, $2) in ours { d = $3 - ours[$1, $2]; if (d < 0) d = -d; if (d > most) most = d }
    END { if (!places || $1 != places) most = 1e9; printf "%.1e", most }' "$@"
}
# What rounding makes of them. Of codes of activations one that falls on the other side of an edge is a step of 8 bits, or of e4m3's three:
# small models of random weights show it.
gpu_tolerance() {
  case $("$1" inspect "$2" --json | tr -d ' \n') in
    *'"f8g'*) echo 1.5 ;;
    *'"i8g'* | *'"i4'*) echo 6e-1 ;;
    *'"bf16":{'* | *'"f16":{'*) echo 3e-2 ;;
    *) echo 1e-3 ;;
  esac
}

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

# Prints how far log-probabilities are from the CPU's, and one line for what was wrong; the number of those is the status. A model that gives no
# answer, as where a kernel hangs, is asked once.
GPU_SILENT=99
gpu_check_model() {
  local tool=$1 model=$2 failed=0 name ours alone way difference tolerance
  name=$(basename "$model" .ingot)
  ours=$(gpu_logprobs "$tool" "$model" --device cuda) || true
  [ -n "$ours" ] || { echo "$name: no answer within $GPU_CHECK_SECONDS s"; return $GPU_SILENT; }
  difference=$(gpu_difference <(echo "$ours") "${model%.ingot}.logprobs") tolerance=$(gpu_tolerance "$tool" "$model")
  echo "$name: log-probabilities within $difference of the CPU's, $tolerance allowed"
  awk "BEGIN { exit !($difference <= $tolerance) }" || { echo "$name: other log-probabilities than the CPU"; failed=$((failed + 1)); }
  if awk "BEGIN { exit !($tolerance < 0.1) }" && [ "$(gpu_tokens "$tool" "$model" --device cuda)" != "$(cat "${model%.ingot}.expected")" ]; then
    echo "$name: other tokens than the CPU"
    failed=$((failed + 1))
  fi
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
  local tool=$1 folder=$2 model kind failed=0
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer: not here, skipped"; return 0; }
  for model in "$folder"/checks/*.ingot; do
    for kind in memcheck racecheck synccheck initcheck; do
      timeout -k 5 $((5 * GPU_MOST_SECONDS)) compute-sanitizer --tool $kind --error-exitcode 9 "$tool" generate "$model" --prompt-token-ids "$(head -2 "${model%.ingot}.prompts" | tail -1)" \
        --max-tokens 3 --temperature 0 --device cuda >"$model.$kind" 2>&1 || { echo "compute-sanitizer $kind: see $model.$kind"; failed=1; }
    done
  done
  [ $failed = 1 ] || echo "compute-sanitizer: nothing found"
  return $failed
}

# All models side by side: most of a check's time is the start of its processes. $GPU_SILENT where none of them gave an answer.
gpu_check() {
  local tool=$1 folder=$2 failed=0 silent=0 status model check checks=()
  for model in "$folder"/checks/*.ingot; do
    [ -f "$model" ] || continue
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do sleep 0.2; done
    gpu_check_model "$tool" "$model" >"$model.checked" 2>&1 &
    checks+=("$!:$model")
  done
  for check in "${checks[@]}"; do
    model=${check#*:}
    status=0
    wait "${check%%:*}" || { status=$? failed=1; }
    [ $status != $GPU_SILENT ] || silent=$((silent + 1))
    [ $status != 0 ] || echo "$(basename "$model" .ingot): as the CPU, the same bits alone, batched, in chunks, preempted" >>"$model.checked"
    cat "$model.checked"
  done
  [ $silent = 0 ] || [ $silent != ${#checks[@]} ] || return $GPU_SILENT
  return $failed
}

# gpu_bench TOOL FILE FLAGS...: one line of JSON, which DIR/figures.jsonl keeps; what failed goes to stderr.
gpu_bench() {
  local tool=$1 file=$2 line
  shift 2
  [ -f "$file" ] || return 1
  line=$(gpu_limited "$tool" bench "$file" --device cuda --json "$@" ${INGOT_GPU_FLAGS:-}) || { echo "$(basename "$file") $*: failed, or took more than $GPU_MOST_SECONDS s" >&2; return 1; }
  echo "{\"file\":\"$(basename "$file")\",\"flags\":\"$*\",\"figures\":$line}" >>"$(dirname "$file")/figures.jsonl"
  echo "$line"
}

# gpu_bar NAME FIGURE ORDER BAR: one row.
gpu_bar() {
  local verdict="not measured"
  [ -z "$2" ] || verdict=$(awk -v figure="$2" -v order="$3" -v bar="$4" 'BEGIN { print (order == ">=" ? figure >= bar : figure <= bar) ? "meets" : "misses" }')
  printf '%-72s%10s   %s %-8s%s\n' "$1" "${2:--}" "$3" "$4" "$verdict"
}

# The figures that are asked of a release, each beside its bar.
gpu_bars() {
  local tool=$1 large=$2/llama-8b.auto.ingot small=$2/llama-1b.auto.ingot one drawn prompt many start
  one=$(gpu_bench "$tool" "$large") || true
  gpu_bar "8B bf16, batch 1: bytes read a second over those of a copy on the GPU" "$(json_number "$one" decode_share_of_bandwidth 1)" ">=" 0.85
  gpu_bar "8B bf16, batch 1: the host's microseconds of a step" "$(json_number "$one" host_s_per_step 1e6)" "<=" 30
  one=$(gpu_bench "$tool" "$small") || true
  gpu_bar "1B bf16, batch 1: bytes read a second over those of a copy on the GPU" "$(json_number "$one" decode_share_of_bandwidth 1)" ">=" 0.75
  drawn=$(gpu_bench "$tool" "$small" --temperature 1 --top-k 50 --top-p 0.9) || true
  [ -z "$drawn" ] || echo "  $(json_number "$one" decode_tokens_per_s 1) tok/s; $(json_number "$drawn" decode_tokens_per_s 1) where tokens are drawn by temperature, top-k and top-p"
  prompt=$(gpu_bench "$tool" "$large" --prompt-tokens 2048 --max-num-batched-tokens 2048 --output-tokens 1) || true
  gpu_bar "8B bf16, prompt of 2048: over the peak of cuBLASLt's matrix products" "$(json_number "$prompt" prompt_share_of_matrix_peak 1)" ">=" 0.75
  [[ $prompt != *'"matrix_peak":'* ]] || sed 's/.*"matrix_peak":"\([^"]*\)".*/  \1/' <<<"$prompt"
  many=$(gpu_bench "$tool" "$large" --prompt-tokens 1024 --batch 64 --output-tokens 32 --rounds 1) || true
  gpu_bar "8B bf16, batch 64 behind 1024 tokens: weights + KV read over a copy" "$(json_number "$many" decode_share_of_bandwidth 1)" ">=" 0.75
  start=$(gpu_bench "$tool" "$large" --prompt-tokens 8 --output-tokens 1 --rounds 1) || true
  gpu_bar "8B bf16: seconds from the opening of the file to the first token" "$(json_number "$start" file_to_first_token_s 1)" "<=" 5
  echo "  of which $(json_number "$start" open_to_first_token_s 1) s were measured with weights made on the GPU; the others are their bytes at the $(json_number "$start" upload_bytes_per_s 1e-9) GB/s that went up in the same run (a file in the page cache)"
}

gpu_measure() {
  local tool=$1 folder=$2 file batch line row='%-32s%6s%10s%10s%10s%8s%14s%9s%9s\n'
  # shellcheck disable=SC2059
  printf "$row" file batch tok/s GB/s copy share "prompt tok/s" "of peak" "host us"
  for file in "$folder"/*.ingot; do
    [ -f "$file" ] || continue
    for batch in ${INGOT_GPU_BATCHES:-1 8 64}; do
      line=$(gpu_bench "$tool" "$file" --batch "$batch" --rounds 2) || continue
      # shellcheck disable=SC2059
      printf "$row" "$(basename "$file" .ingot)" "$batch" "$(json_number "$line" decode_tokens_per_s 1)" "$(json_number "$line" decode_bytes_per_s 1e-9)" \
        "$(json_number "$line" read_bandwidth_bytes_per_s 1e-9)" "$(json_number "$line" decode_share_of_bandwidth 1)" "$(json_number "$line" prompt_tokens_per_s 1)" \
        "$(json_number "$line" prompt_share_of_matrix_peak 1)" "$(json_number "$line" host_s_per_step 1e6)"
    done
  done
}

# Where the time of the largest model goes, by kernel.
gpu_profile() {
  local file=$2/llama-8b.auto.ingot
  [ ! -f "$file" ] || gpu_limited "$1" bench "$file" --device cuda --profile --prompt-tokens 2048 --max-num-batched-tokens 2048 --rounds 1 || true
}

# From how many rows on larger kernels pay, and whether a token alone does as one kernel, for every benchmark file: DIR/measured.inc, with the
# committed rows of other GPUs and kernels. Of a kernel that several files have the first one's row counts.
gpu_tune() {
  local folder table=compiler/codegen/cuda/measured.inc file measured
  folder=$(gpu_folder "$1")
  gpu_ready "$folder"
  measured=$(mktemp)
  for file in "$folder"/*.ingot; do gpu_limited "$GPU_TOOL" bench "$file" --device cuda --tune || say "$file: not measured whole"; done | awk -F, '!seen[$1 $2]++' >"$measured"
  [ -s "$measured" ] || { say "nothing was measured"; return 1; }
  {
    head -1 $table
    { cat "$measured"; grep '^{' $table | grep -vF "$(cut -d, -f1,2 "$measured" | sort -u)" || true; } | sort -u
  } >"$folder/measured.inc"
  rm "$measured"
  cat "$folder/measured.inc"
  say "cp $folder/measured.inc $table has the compiler use it"
}

# The tool that was carried, or one that is built here. PyTorch and toolkits keep cuBLASLt where the loader does not look.
gpu_ready() {
  GPU_TOOL=$1/ingot
  if ! "$GPU_TOOL" --version >/dev/null 2>&1; then
    cmake -S . -B "$BUILD-gpu" -DINGOT_BUILD_COMPILER=OFF -DINGOT_BUILD_TESTS=OFF -DCMAKE_BUILD_TYPE=Release
    cmake --build "$BUILD-gpu" -j "$JOBS" --target ingot_tool
    GPU_TOOL=$BUILD-gpu/bin/ingot
  fi
  local library
  library=$(find /usr/local/cuda*/ /usr/local/lib/python3* /usr/lib/python3* /opt "$HOME/.local/lib" -name 'libcublasLt.so.1[23]' 2>/dev/null | sort -V | tail -1) || true
  [ -z "$library" ] || export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(dirname "$library")"
  command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.mem --format=csv,noheader || true
}

# The folder that prepare made, or the archive of it, which is unpacked beside itself.
gpu_folder() {
  case $1 in
    *.tar.gz) tar -C "$(dirname "$1")" -xzf "$1" && echo "${1%.tar.gz}" ;;
    *) echo "$1" ;;
  esac
}

# Checks first: speed of wrong answers is of no use. Measures all the same, so that a lent GPU loses nothing, and fails at the end; but where no model
# answers, as no benchmark would, its time is for finding out why. What takes longest and is least likely to say something stands last.
gpu_run() {
  local folder failed=0
  folder=$(gpu_folder "$1")
  gpu_ready "$folder"
  gpu_check "$GPU_TOOL" "$folder" || failed=$?
  [ $failed != $GPU_SILENT ] || { say "no model answered: nothing is measured"; return 1; }
  gpu_bars "$GPU_TOOL" "$folder"
  gpu_measure "$GPU_TOOL" "$folder"
  gpu_profile "$GPU_TOOL" "$folder"
  gpu_sanitize "$GPU_TOOL" "$folder" || failed=1
  [ $failed = 0 ] || { say "some checks failed: see above"; return 1; }
}
