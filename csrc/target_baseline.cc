#define OSTINATO_TARGET baseline
#define OSTINATO_NAME "baseline"
#define OSTINATO_BYTES 16
#define OSTINATO_FLAGS "-ffp-contract=fast -fno-math-errno -fno-trapping-math"
#include "target.inl"
