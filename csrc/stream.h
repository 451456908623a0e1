// What the parts of the streaming runtime share: a model as it lies in memory, and what a CPU target offers.
//
// Vectors are padded to whole vectors of the target. What stands behind a vector's width is anything, and is neither
// summed nor multiplied; a scalar stands in all lanes of one vector.
#ifndef OSTINATO_STREAM_PARTS_H
#define OSTINATO_STREAM_PARTS_H

#include <stdint.h>

#include "ostinato_stream.h"

namespace ostinato {

// What an instruction does: the elementwise kinds by their own numbers, then these.
enum Operation : int32_t {
  kCopy = OSTINATO_KINDS,  // a, by vectors
  kSpread,                 // a's first lane, everywhere
  kAddSigmoid,             // sigmoid(a + b)
  kAddTanh,                // tanh(a + b)
  kFused,                  // a b + c
  kFusedSigmoid,           // sigmoid(a b + c)
  kFusedTanh,              // tanh(a b + c)
  kTwoProducts,            // a b + c d
  kBlend,                  // a b + (1 - a) c
  kTimesTanh,              // a tanh(b)
  kOperations
};

// What one step of a stream is asked to look up.
struct Ids {
  const int32_t* id;
  int64_t count;
};

// One instruction of a stream, its operands found.
struct Step {
  void (*run)(const Step*);
  const float* from[4];  // of a product: x, packed weights; of a lookup: the table
  float* to;
  const float* const* starts;  // of a product: where each vector begins
  const Ids* ids;
  int64_t count;      // of a product and a row: numbers; else vectors
  int64_t width;      // of a lookup: numbers in a row of the table; of a product: vectors
  int32_t stride[4];  // from one vector to the next: 0 for scalars
};

// Where an input or an output of a step stands.
struct Door {
  float* place;
  int64_t width;
};

// All that a chunk needs to run: the stream's own block, and what the caller gave.
struct Running {
  const Step* step;
  int32_t steps;
  int32_t numbers, ids, outputs;
  const Door *number, *output;
  Ids* now;
  const int32_t* many;
};

// The streaming part of a CPU target.
struct StreamTarget {
  int32_t lanes;
  int32_t block;  // most vectors of columns that a product sums at once
  void (*const* operations)(const Step*);
  void (*run)(const Running* stream, const ostinato_stream_chunk* chunk);
  // The place of the first number that is not finite, or -1.
  int64_t (*not_finite)(const float* from, int64_t count);
};

// A product's columns stand in blocks of nearly equal size.
inline int32_t blocks_of(int64_t vectors, int32_t most) { return int32_t((vectors + most - 1) / most); }
inline int32_t block_size(int64_t vectors, int32_t blocks, int32_t index) {
  return int32_t(vectors / blocks + (index < vectors % blocks));
}

}  // namespace ostinato

#endif
