#define OSTINATO_TARGET neon
#define OSTINATO_NAME "neon"
#define OSTINATO_BYTES 16
#define OSTINATO_FLAGS "-ffp-contract=fast -fno-math-errno -fno-trapping-math"
#include "target.inl"
