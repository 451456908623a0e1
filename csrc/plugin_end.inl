// The second half of a compiled cell: its kernel, for the core that loads it.
}  // namespace OSTINATO_NAMESPACE

#include "recur.inl"

extern "C" __attribute__((visibility("default"))) const ostinato_kernel* ostinato_plugin(void) {
  return &OSTINATO_NAMESPACE::kernel_of<OSTINATO_NAMESPACE::OSTINATO_REAL, OSTINATO_NAMESPACE::OSTINATO_CELL>;
}
