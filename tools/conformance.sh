# The comparisons of `tools/dev conformance`: text against the references, in a throw-away environment. Every one prints rows of one
# table to stdout and what differs to stderr, and fails when something does.

CONFORMANCE_KINDS="vectors libraries shapes tokenizers code-points pipelines templates"
CONFORMANCE_PACKAGES="jinja2 transformers tokenizers==0.23.3 sentencepiece==0.2.3 protobuf"

conformance_prepare() {
  configure
  cmake --build "$BUILD" -j "$JOBS" --target ingot_tokenizer_driver template_render >&2
  [ -x "$1" ] || python3 -m venv .venv-conformance
  # shellcheck disable=SC2086
  "$1" -m pip install -q $CONFORMANCE_PACKAGES
}

# The folder of the source packages whose vocabularies and templates are compared, fetched where one is not there.
conformance_packages() {
  "$1" tests/golden/fetch_sdist.py vllm llama-cpp-python .cache/conformance >&2
  echo .cache/conformance
}

# One comparison: of what is given, or of all that the project and the fetched packages have.
compare() {
  local kind=$1 python=$2 driver=$BUILD/bin/ingot_tokenizer_driver golden=tests/golden/tokenizers
  shift 2
  case $kind in
    vectors)
      [ $# -gt 0 ] || set -- "$(ls -d "$(conformance_packages "$python")"/llama_cpp_python-*)/vendor/llama.cpp/models"
      $python $golden/llama_cpp_vectors.py "$driver" "$1" ;;
    libraries) $python $golden/libraries.py "$driver" "$@" ;;
    shapes) $python $golden/shapes.py "$driver" "$@" ;;
    tokenizers) [ $# -gt 0 ] || set -- $golden/fixtures/*.json; $python $golden/conformance.py "$driver" "$@" ;;
    code-points) $python $golden/every_code_point.py "$driver" "$@" ;;
    pipelines) $python $golden/random_pipelines.py "$driver" "$@" ;;
    templates)
      [ $# -gt 0 ] || set -- "$(conformance_packages "$python")"
      $python tests/golden/templates/conformance.py --driver "$BUILD/bin/template_render" "$@" ;;
    *) say "conformance is of ${CONFORMANCE_KINDS// /, }"; return 2 ;;
  esac
}

conformance() {
  local python=.venv-conformance/bin/python failed=0 kind
  conformance_prepare $python
  $python tests/golden/report.py
  if [ $# -gt 0 ]; then
    kind=$1
    shift
    compare "$kind" $python "$@"
    return
  fi
  for kind in $CONFORMANCE_KINDS; do compare "$kind" $python || failed=1; done
  return $failed
}
