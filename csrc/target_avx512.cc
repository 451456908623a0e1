#define OSTINATO_TARGET avx512
#define OSTINATO_NAME "avx512"
#define OSTINATO_BYTES 64
#define OSTINATO_FLAGS "-ffp-contract=fast -fno-math-errno -fno-trapping-math -mavx2 -mfma -mavx512f -mavx512vl -mavx512dq -mavx512bw -mprefer-vector-width=512"
#include "target.inl"
