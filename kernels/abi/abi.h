// What the runtime hands to a kernel. Plain structs: they compile with g++, clang and NVRTC, and are part of the
// file format: a change here is a new format version.
#pragma once

#ifndef INGOT_ABI_INTS
#define INGOT_ABI_INTS
typedef int ingot_i32;
typedef long long ingot_i64;
#endif

// At most this many new tokens of one sequence, side by side: the unit of attention work.
struct IngotQueryBlock {
  ingot_i32 sequence;     // row of page_table
  ingot_i32 first_token;  // index into the step's tokens
  ingot_i32 num_tokens;   // 1 for a decoding sequence, up to INGOT_QUERY_BLOCK of a prompt
};

// One step's batch: prompt chunks and decoding sequences, their new tokens laid end to end.
struct IngotBatch {
  ingot_i32 num_tokens;     // T
  ingot_i32 num_sequences;  // S
  ingot_i32 num_rows;       // R: tokens whose logits are wanted
  ingot_i32 num_blocks;     // query blocks
  ingot_i32 max_pages;      // row stride of page_table
  ingot_i32 reserved;
  const ingot_i32* token_ids;            // [T]
  const ingot_i32* positions;            // [T] place in its own sequence, from 0
  const ingot_i32* sequence_of;          // [T] row of page_table
  const ingot_i32* rows;                 // [R] indices into the tokens, ascending
  const struct IngotQueryBlock* blocks;  // [num_blocks]
  const ingot_i32* page_table;           // [S, max_pages] page ids
};

// `operands` are in the order in which the kernel's spec names them. Rows are dense unless the spec says otherwise.
struct IngotKernelArgs {
  const struct IngotBatch* batch;
  void* const* operands;
};

// Computes tiles [first, last) of a step; `scratch` is this worker's own, 64-byte aligned, of the size the spec says.
typedef void (*IngotTileFunction)(const struct IngotKernelArgs* args, ingot_i64 first, ingot_i64 last, void* scratch);

#define INGOT_PAGE_TOKENS 16
#define INGOT_QUERY_BLOCK 16  // most tokens in one query block
