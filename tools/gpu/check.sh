# Whether a GPU gives the answers of the CPU, and the same bits alone, batched, in chunks and preempted.

# Models that are checked side by side share the GPU's memory.
GPU_CHECK_MEMORY=64MiB

# gpu_generate TOOL MODEL FLAGS...: all prompts of the model.
gpu_generate() {
  local tool=$1 model=$2 prompts=()
  shift 2
  while read -r prompt; do prompts+=(--prompt-token-ids "$prompt"); done <"${model%.ingot}.prompts"
  [[ " $*" == *" --kv-cache-memory="* ]] || set -- "$@" --kv-cache-memory=$GPU_CHECK_MEMORY
  timeout -k 5 "$GPU_CHECK_SECONDS" "$tool" generate "$model" "${prompts[@]}" --max-tokens 10 --ignore-eos \
    --device-timeout="$(awk "BEGIN { print 0.7 * $GPU_CHECK_SECONDS }")" "$@"
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
