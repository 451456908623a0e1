/* The C ABI of ostinato's compiled core, on one page.
 *
 * The core knows neither Python nor torch: bind.cc is the only door to Python, and any other program may use this header.
 * It is plain C99. Nothing here allocates, prints, throws or keeps state; every function may be called from any thread.
 *
 * Ownership: every pointer that a function returns points to constants of the library. It is valid as long as the
 * library is loaded and is never freed by the caller. No two of them alias memory that anyone may write.
 * Text is UTF-8 and ends in a zero byte.
 */
#ifndef OSTINATO_H
#define OSTINATO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One cell that was lowered when the library was built. */
typedef struct ostinato_cell {
  const char* name;       /* as in Python: "gru" */
  const char* gates;      /* names in the order in which their rows are stacked, parted by blanks: "r z n" */
  const char* state;      /* names of the parts of the state, the output first, parted by blanks: "h c" */
  const char* recurrent;  /* how the gates see the state: "dense", "diagonal" or "none" */
  const char* digest;     /* SHA-256 of the traced graph, 64 hexadecimal digits */
  int32_t operations;     /* number of operations in the traced graph */
} ostinato_cell;

/* SHA-256 over the Python sources from which this library was generated, 64 hexadecimal digits. A caller that has the
 * sources at hand compares, and refuses a library that was built from others. */
const char* ostinato_source_digest(void);

/* The number of lowered cells. */
int32_t ostinato_cell_count(void);

/* The cell of that index, in the order of the registry; a null pointer outside 0 <= index < ostinato_cell_count(). */
const ostinato_cell* ostinato_cell_at(int32_t index);

#ifdef __cplusplus
}
#endif

#endif
