# How fast a GPU runs the benchmark files: each figure beside its bar, a table, a profile; and from where on larger kernels pay.

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
