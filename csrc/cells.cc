#include "ostinato.h"

namespace {
namespace generated {
#include "cells.inc"
}

constexpr int32_t kCells = static_cast<int32_t>(sizeof(generated::ostinato_cells) / sizeof(generated::ostinato_cells[0]));
}  // namespace

extern "C" const char* ostinato_source_digest(void) { return generated::ostinato_source_digest; }

extern "C" int32_t ostinato_cell_count(void) { return kCells; }

extern "C" const ostinato_cell* ostinato_cell_at(int32_t index) {
  return index >= 0 && index < kCells ? &generated::ostinato_cells[index] : nullptr;
}
