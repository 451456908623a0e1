// What a CPU target offers to the rest of the core.
#ifndef OSTINATO_TARGET_H
#define OSTINATO_TARGET_H

#include "ostinato.h"

namespace ostinato {

// A cell with more gates than that is refused by the core; the plain loop runs it.
constexpr int kMostVectors = 12;

struct Target {
  const char* name;
  const char* flags;  // for the compiler of users' cells
  const char* const* names;
  const ostinato_kernel* const* kernels32;
  const ostinato_kernel* const* kernels64;
  int32_t kernels;
  const ostinato_product* products32;
  const ostinato_product* products64;
  void (*add_up)(int64_t rounds, float* result);  // result: 16 numbers
  int64_t operations;                             // of one round
  const struct StreamTarget* stream;
};

const Target& target_now();

}  // namespace ostinato

#endif
