#define OSTINATO_TARGET neon
#define OSTINATO_NAME "neon"
#define OSTINATO_BYTES 16
#define OSTINATO_FLAGS ""
#include "target.inl"
