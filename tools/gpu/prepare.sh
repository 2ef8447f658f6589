# What is carried to a machine with a GPU: the tool, small models with the answers of this CPU, benchmark files without weights.

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
GPU_TYPES=${INGOT_GPU_TYPES:-auto:none auto:none:cuda-persistent bfloat16:none auto:int8 auto:int8:cuda-persistent auto:int8:group-size=64 auto:int8:group-size=128 auto:int4 auto:fp8}
# What is carried is at most so large; the tool runs where the C library is at least that of Ubuntu 22.04; code for all GPUs costs a model so much.
GPU_MOST_MIB=${INGOT_GPU_MOST_MIB:-48}
GPU_GLIBC=2.35
GPU_MOST_RATIO=1.25

gpu_targets() { printf -- '--target=%s ' ${INGOT_GPU_TARGET:-cuda}; }
# Benchmark files with code for every GPU would be too much to carry; emulated code is of use to small models alone.
GPU_MEASURED="cuda:sm_80 cuda:sm_86 cuda:sm_89 cuda:sm_90a cuda:sm_100a cuda:sm_120a"
gpu_real_targets() { printf -- '--target=%s\n' ${INGOT_GPU_TARGET:-$GPU_MEASURED} | grep -v emulated; }

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
  carried=$(mib "$folder.tar.gz")
  echo "the tool $(mib "$folder/ingot") MiB, benchmark files $(mib "$folder"/*.ingot) MiB, checks $(mib "$folder/checks") MiB; carried as $folder.tar.gz $carried MiB (bar <= $GPU_MOST_MIB)"
  awk -v carried="$carried" -v most="$GPU_MOST_MIB" 'BEGIN { exit carried > most }' || { say "more than $GPU_MOST_MIB MiB: INGOT_GPU_TARGET and INGOT_GPU_SHAPES narrow it"; failed=1; }
  return $failed
}
