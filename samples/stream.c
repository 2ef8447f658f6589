/* Prints a continuation as it grows, in C.  stream MODEL PROMPT */
#include <ingot/c.h>
#include <stdio.h>

static bool show(size_t request, int output, const char* text, size_t bytes, const int32_t* ids, size_t count, void* user) {
  (void)request, (void)output, (void)ids, (void)count, (void)user;
  fwrite(text, 1, bytes, stdout);
  fflush(stdout);
  return true;
}

static int fail(ingot_status_t* status) {
  fprintf(stderr, "%s\n", ingot_status_message(status));
  ingot_status_free(status);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: stream MODEL PROMPT\n");
    return 2;
  }
  ingot_llm_t* llm = NULL;
  ingot_outputs_t* outputs = NULL;
  ingot_status_t* status = ingot_llm_open(argv[1], NULL, &llm);
  if (status) return fail(status);
  ingot_sampling_params_t params;
  ingot_sampling_params_init(&params);
  params.temperature = 0;
  params.max_tokens = 48;
  const char* prompts[] = {argv[2]};
  status = ingot_llm_generate(llm, prompts, 1, &params, show, NULL, &outputs);
  if (!status) printf("\n");
  ingot_outputs_free(outputs);
  ingot_llm_free(llm);
  return status ? fail(status) : 0;
}
