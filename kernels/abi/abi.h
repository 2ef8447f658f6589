// What the runtime hands to a kernel. Plain structs: they compile with g++, clang and NVRTC, and are part of the
// file format: a change here is a new format version.
#pragma once

#ifndef INGOT_ABI_INTS
#define INGOT_ABI_INTS
typedef int ingot_i32;
typedef long long ingot_i64;
typedef unsigned long long ingot_u64;
#endif

// At most INGOT_QUERY_BLOCK consecutive new tokens of one sequence: the unit of attention work.
struct IngotQueryBlock {
  ingot_i32 sequence;     // row of page_table
  ingot_i32 first_token;  // index into the step's tokens
  ingot_i32 num_tokens;   // 1 for a decoding sequence, up to INGOT_QUERY_BLOCK of a prompt
};

// Work of one attention tile on a GPU: one split, INGOT_SPLIT_TOKENS tokens of a query block's sequence at a fixed position.
struct IngotSplit {
  ingot_i32 block;    // query block; of one token unless `index` is -1
  ingot_i32 index;    // tokens [index, index + 1) * INGOT_SPLIT_TOKENS; -1: not split
  ingot_i32 partial;  // index of the query block's partial results, those of split 0 first
};

// How the token for a row of logits is chosen; kernels/abi/sampling.h defines the fields' effects.
struct IngotSampling {
  float scale;                      // log2(e) / temperature
  float floor;                      // min_p: logits below the best one's plus this are discarded; -FLT_MAX: none
  ingot_i32 top_k;                  // 0: all; 1: greedy, regardless of the other fields
  ingot_i32 first_edit, num_edits;  // in the batch's edits
  ingot_i32 logprobs;               // 0: none; n: record data for `own` and for the n - 1 most likely ids
  ingot_i32 own;                    // id; -1: the chosen token
  // 0: any id is allowed; n: only the ids of the row's first n edits, in ascending order. The other edits then name indices into that list.
  ingot_i32 num_allowed;
  ingot_i32 looks_back;  // 1: the edits depend on the row's own token, which was not known when they were made
  ingot_u64 top_p;       // times 2^64; 0: all
  ingot_u64 uniform;     // random number in [0, 1), times 2^64
};

// A change to one logit before sampling: (logit > 0 ? logit / repetition : logit * repetition) + add. Edits are applied in passes. Within a pass
// ids are distinct, except that several edits may add -inf to the same id.
#define INGOT_EDIT_PASSES 3
struct IngotEdit {
  ingot_i32 id, pass;  // id -1, in rows that look back: the row's own token, unless another edit of the pass names it
  float repetition, add;
  // For rows that look back: what is added instead of `add` if the id is the row's own token; and the own token for which the edit applies, -1:
  // any.
  float add_after_itself;
  ingot_i32 only_after;
  float before;  // set by the kernel: the logit before all edits, which is restored for log-probabilities
};

// Data for log-probabilities: statistics of a row's logits before edits, as requested by its IngotSampling.
#define INGOT_MAX_LOGPROBS 20
struct IngotCandidate {
  float logit;
  ingot_i32 id;
};
struct IngotLogprobs {
  ingot_u64 mass;                                    // sum of all weights at a temperature of 1
  float best;                                        // highest logit; -inf if all are NaN
  float own;                                         // logit of IngotSampling::own
  ingot_i32 above;                                   // number of ids with a logit above `own`
  ingot_i32 num_listed;                              // may be fewer than requested, since NaN is never listed
  struct IngotCandidate listed[INGOT_MAX_LOGPROBS];  // in descending order
};

// One step's batch: prompt chunks and decoding sequences, with their new tokens concatenated.
struct IngotBatch {
  ingot_i32 num_tokens;     // T
  ingot_i32 num_sequences;  // S
  ingot_i32 num_rows;       // R: tokens whose logits are wanted
  ingot_i32 num_blocks;     // query blocks
  ingot_i32 max_pages;      // row stride of page_table
  ingot_i32 num_splits;
  ingot_i32 num_edits;
  ingot_i32* token_ids;                   // [T]; negative, on GPUs: ~row of `chosen`, until the embedding has resolved it
  const ingot_i32* positions;             // [T] position in its own sequence, from 0
  const ingot_i32* sequence_of;           // [T] row of page_table
  const ingot_i32* rows;                  // [R] indices into the tokens, ascending
  const struct IngotQueryBlock* blocks;   // [num_blocks]
  const ingot_i32* page_table;            // [S, max_pages] page ids
  const struct IngotSplit* splits;        // [num_splits]
  const struct IngotSampling* samplings;  // [R], on GPUs
  struct IngotEdit* edits;                // those of a row are contiguous, on GPUs
  const ingot_i32* chosen;                // tokens chosen by the previous batch, by row, on GPUs; -1: none
  ingot_i32 are_apart;                    // 1: every token is of another sequence, and every split has space for its partial results
};

// `operands` are in the order of the kernel's spec. Rows are dense unless the spec says otherwise.
struct IngotKernelArgs {
  const struct IngotBatch* batch;
  void* const* operands;
};

// Computes tiles [first, last) of a step; `scratch` is this worker's own, 64-byte aligned, of the size the spec says.
typedef void (*IngotTileFunction)(const struct IngotKernelArgs* args, ingot_i64 first, ingot_i64 last, void* scratch);

// A CUDA kernel is `extern "C" __global__ void symbol(const IngotBatch* batch, IngotOperands operands)`: block i computes tile i, and blocks past
// the batch's last tile do nothing, so that a captured graph serves every batch of its bucket.
#define INGOT_MAX_OPERANDS 16
struct IngotOperands {
  void* at[INGOT_MAX_OPERANDS];
};

#define INGOT_PAGE_TOKENS 16
#define INGOT_QUERY_BLOCK 16  // most tokens in one query block
#define INGOT_SPLIT_TOKENS 256
// Batches with at least this many tokens have steps of their own. Smaller ones are replayed as CUDA graphs, where more launches gain nothing.
#define INGOT_MANY_TOKENS 257
