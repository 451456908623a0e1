#define OSTINATO_TARGET avx2
#define OSTINATO_NAME "avx2"
#define OSTINATO_BYTES 32
#define OSTINATO_FLAGS "-ffp-contract=fast -fno-math-errno -fno-trapping-math -mavx2 -mfma"
#include "target.inl"
