// What the runtime hands to a kernel. Plain structs: they compile with g++, clang and NVRTC, and are part of the
// file format: a change here is a new format version.
#pragma once

#ifndef INGOT_ABI_INTS
#define INGOT_ABI_INTS
typedef int ingot_i32;
typedef long long ingot_i64;
typedef unsigned long long ingot_u64;
#endif

// At most this many new tokens of one sequence, side by side: the unit of attention work.
struct IngotQueryBlock {
  ingot_i32 sequence;     // row of page_table
  ingot_i32 first_token;  // index into the step's tokens
  ingot_i32 num_tokens;   // 1 for a decoding sequence, up to INGOT_QUERY_BLOCK of a prompt
};

// Work of one attention tile on a GPU: INGOT_SPLIT_TOKENS tokens of a query block's sequence, at fixed places in it.
struct IngotSplit {
  ingot_i32 block;    // query block; of one token, where `index` is not -1
  ingot_i32 index;    // tokens [index, index + 1) * INGOT_SPLIT_TOKENS; -1: all of them, one after another
  ingot_i32 partial;  // where the block's results lie, that of split 0 first, until the last tile merges them
};

// How the token behind a row of logits is chosen; kernels/abi/sampling.h says what the fields do.
struct IngotSampling {
  float scale;                      // log2(e) / temperature
  float floor;                      // logits under the best one's plus this are out; -FLT_MAX: none (min_p)
  ingot_i32 top_k;                  // 0: all; 1: the most likely one, whatever the others say
  ingot_i32 first_edit, num_edits;  // among the batch's
  ingot_i32 logprobs;               // 0: none; n: what those of `own` and of the n - 1 most likely ids are made of is wanted
  ingot_i32 own;                    // -1: the token that is chosen
  // 0: the token may be any id; n: one of those that the row's first n edits name, in ascending order. The edits behind those name places
  // among them.
  ingot_i32 num_allowed;
  ingot_i32 looks_back;  // 1: the edits depend on the row's own token, and were made before it was known
  ingot_u64 top_p;       // times 2^64; 0: all
  ingot_u64 uniform;     // the row's random number in [0, 1), times 2^64
};

// A change to one logit before the token is chosen: (logit > 0 ? logit / repetition : logit * repetition) + add. Those of a turn come
// behind those of the turn before; within a turn ids differ, where they do not all add -inf.
#define INGOT_EDIT_PASSES 3
struct IngotEdit {
  ingot_i32 id, pass;  // -1: of a row that looks back, its own token, unless another edit of the turn is of that
  float repetition, add;
  // Of rows that look back: what is added in place of `add` where the id is the row's own token, and the token that it has to be for the edit
  // to count, -1: any.
  float add_after_itself;
  ingot_i32 only_after;
  float before;  // all edits: the kernel's note, by which it takes them back where log-probabilities are wanted
};

// What log-probabilities are made of: a row's logits before edits, as far as its IngotSampling asks for them.
#define INGOT_MAX_LOGPROBS 20
struct IngotCandidate {
  float logit;
  ingot_i32 id;
};
struct IngotLogprobs {
  ingot_u64 mass;                                    // what all ids weigh together at a temperature of 1
  float best;                                        // highest logit; -inf where there is none but NaN
  float own;                                         // logit of that id
  ingot_i32 above;                                   // ids with a logit over `own`
  ingot_i32 num_listed;                              // fewer than are wanted where not as many ids have a logit that is not NaN
  struct IngotCandidate listed[INGOT_MAX_LOGPROBS];  // in order
};

// One step's batch: prompt chunks and decoding sequences, their new tokens laid end to end.
struct IngotBatch {
  ingot_i32 num_tokens;     // T
  ingot_i32 num_sequences;  // S
  ingot_i32 num_rows;       // R: tokens whose logits are wanted
  ingot_i32 num_blocks;     // query blocks
  ingot_i32 max_pages;      // row stride of page_table
  ingot_i32 num_splits;
  ingot_i32 num_edits;
  ingot_i32* token_ids;                   // [T]; negative: ~row of `chosen`, of GPUs, until the embedding has read it
  const ingot_i32* positions;             // [T] place in its own sequence, from 0
  const ingot_i32* sequence_of;           // [T] row of page_table
  const ingot_i32* rows;                  // [R] indices into the tokens, ascending
  const struct IngotQueryBlock* blocks;   // [num_blocks]
  const ingot_i32* page_table;            // [S, max_pages] page ids
  const struct IngotSplit* splits;        // [num_splits]
  const struct IngotSampling* samplings;  // [R], of GPUs
  struct IngotEdit* edits;                // those of a row side by side, of GPUs
  const ingot_i32* chosen;                // tokens of the batch before, by its rows, of GPUs; -1 where there is none
  ingot_i32 are_apart;                    // whether every token is of another sequence, and every split has room for its partial results
};

// `operands` are in the order in which the kernel's spec names them. Rows are dense unless the spec says otherwise.
struct IngotKernelArgs {
  const struct IngotBatch* batch;
  void* const* operands;
};

// Computes tiles [first, last) of a step; `scratch` is this worker's own, 64-byte aligned, of the size the spec says.
typedef void (*IngotTileFunction)(const struct IngotKernelArgs* args, ingot_i64 first, ingot_i64 last, void* scratch);

// A CUDA kernel is `extern "C" __global__ void symbol(const IngotBatch* batch, IngotOperands operands)`: block i computes tile
// i, and blocks behind the batch's last tile do nothing, so that a captured launch serves every batch of its bucket.
#define INGOT_MAX_OPERANDS 16
struct IngotOperands {
  void* at[INGOT_MAX_OPERANDS];
};

#define INGOT_PAGE_TOKENS 16
#define INGOT_QUERY_BLOCK 16  // most tokens in one query block
#define INGOT_SPLIT_TOKENS 256
// Batches of so many tokens have steps of their own, beside those of all others. Smaller ones are replayed as graphs, and gain no launches.
#define INGOT_MANY_TOKENS 257
