#define OSTINATO_TARGET baseline
#define OSTINATO_NAME "baseline"
#define OSTINATO_BYTES 16
#define OSTINATO_FLAGS ""
#include "target.inl"
