# The parts of `tools/dev gpu`: what is carried to a machine with a GPU, and what is checked and measured there.
# INGOT_GPU_TARGET, INGOT_GPU_BATCHES, INGOT_GPU_FLAGS, INGOT_GPU_CHECKS, INGOT_GPU_SHAPES and INGOT_GPU_TYPES narrow it,
# INGOT_GPU_MOST_SECONDS and INGOT_GPU_CHECK_SECONDS bound each of its runs;
# tests/e2e/gpu_command.py runs it without a GPU.

# Seconds that one run may take: a kernel that hangs does not cost the rest of a lent GPU's time.
GPU_MOST_SECONDS=${INGOT_GPU_MOST_SECONDS:-120}
GPU_CHECK_SECONDS=${INGOT_GPU_CHECK_SECONDS:-40}
gpu_limited() { timeout -k 5 "$GPU_MOST_SECONDS" "$@"; }

# The value of a number in a line of JSON, scaled.
json_number() { sed -n "s/.*\"$2\":\([-+0-9.e]*\).*/\1/p" <<<"$1" | awk -v scale="$3" '{ printf "%.2f", $1 * scale }'; }

. tools/gpu/prepare.sh
. tools/gpu/check.sh
. tools/gpu/measure.sh

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
