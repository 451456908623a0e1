/* The C ABI of ostinato's compiled core, on one page.
 *
 * The core knows neither Python nor torch: bind.cc is the only door to Python, and any other program may use this header.
 * It is plain C99. Nothing here prints or throws. Every function may be called from any thread; two calls may run at once
 * when nothing that one writes overlaps what the other reads or writes.
 *
 * Ownership: every pointer that a function returns points to constants of the library, valid as long as it is loaded,
 * never freed by the caller. Every pointer that is passed belongs to the caller and is not kept after the call.
 * Aliasing: what is written (y, end, keep, gradients) overlaps nothing else; what is only read may overlap.
 * Letters: B rows, T steps, D inputs, H units, G gates. Arrays are contiguous, the last index fastest, unless a stride is
 * given; strides count elements. No alignment beyond the element's own is asked for. Text is UTF-8 and ends in a zero.
 */
#ifndef OSTINATO_H
#define OSTINATO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rises whenever a struct here changes; a compiled cell of another number is refused. */
#define OSTINATO_ABI 2

/* More parts, parameters, matrices or given values than that are refused. */
#define OSTINATO_MOST 64

/* What a kernel multiplies with: the loops of the core for one CPU target and type, handed to it so that a compiled cell
 * holds nothing but its own arithmetic. c[rows, width] = a[rows, depth] b (+ c when `more`), width being `vectors` times
 * the target's lanes; b is packed as [depth, width]; a(i, k) stands at a[i * a_row + k * a_step]. */
typedef void (*ostinato_product)(const void* a, int64_t a_row, int64_t a_step, int64_t rows, const void* b, int64_t depth,
                                 const void* bias, int32_t more, void* c, int64_t c_row);

/* What a step in stages works with beside its rows: some matrices share what they multiply, those are a group. */
typedef struct ostinato_stages {
  const void* const* packed;    /* by group: its matrices, or their transposes on the way back */
  void* const* result;          /* by group: its products [rows, group_row], or [rows, width] on the way back */
  void** operand;               /* by group: what is multiplied, [rows, width]; null where that is the shown part */
  void** dq;                    /* by group: gradients of its products [rows, group_row]; null on the way forward */
  const int64_t* group_row;
  int64_t shown;                /* P, the width of the shown part */
  void *near, *far, *sums;      /* what is set aside: [near, width], [rows, far, width] and [rows, sums] */
} ostinato_stages;

/* One step of some rows and some panels. A panel is `sub` vectors of units with all their gates; rows are padded to whole
 * panels. Buffers are the core's own: padded, aligned to 64 bytes. */
typedef struct ostinato_forward {
  const ostinato_product* product; /* by number of vectors, from 1 on: product[vectors] */
  int64_t rows, hidden, first, last; /* rows of this step; H; panels first <= p < last */
  int64_t width;                     /* distance of rows in h and states */
  const void* x;                     /* [rows, x_row]: W x + b, panel by panel, gate by gate within */
  int64_t x_row;
  const void* h;                     /* [rows, width]: the shown part before the step */
  void* h_next;                      /* [rows, width]: and after it */
  void* const* state;                /* other parts, [rows, width] each, replaced in place; the shown part's is unused */
  const void* r;                     /* packed [panels, H, G sub lanes]; null unless the cell multiplies */
  const void* br;                    /* [panels, G sub lanes], zeros if the call has none; null unless it multiplies */
  const void* const* parameters;     /* [width] each */
  void* const* keep;                 /* for each row where its kept values go; null when nothing is to be kept */
  const uint8_t* zero;               /* [rows]: rows that start this step from the zero state; null if there are none */
  void* scratch;                     /* [rows, G sub lanes] */
  const void* const* given;          /* what else comes in at this step, [rows, width] each */
  const ostinato_stages* stages;     /* null unless the cell's step has stages; h and states of rows in `zero` are then
                                        zeroed in place */
} ostinato_forward;

/* One step of the way back, over groups of panels: a group is ostinato_group vectors of units. */
typedef struct ostinato_backward {
  const ostinato_product* product;
  int64_t rows, hidden, first, last; /* rows of this step; H; vectors of units first <= w < last, first a group's begin */
  int64_t later;                     /* rows that go on after this step: only those have a product */
  int64_t width;
  const void* du_next;               /* [later, gate_row]: gradients of u at the step after this one */
  int64_t gate_row;
  int64_t depth;                     /* columns of du_next that count: panels x G sub lanes */
  const void* rt;                    /* packed transpose of R, group by group; null unless the cell multiplies */
  const void* const* keep;           /* for each row where its kept values are */
  const void* const* parameters;
  const void* dy;                    /* [rows, width] */
  void* const* carry;                /* each part [rows, width]: in, the gradient of the new state but for dy and the
                                        product; out, that of the state before */
  void* dx;                          /* [rows, gate_row] */
  void* du;                          /* [rows, gate_row]; equals dx where the kernel says `same` */
  void* const* dparameters;          /* [width] each, added to */
  const uint8_t* zero_next;          /* [later]: rows whose next step began anew; null if there are none */
  void* scratch;                     /* [rows, 4 lanes] */
  const void* const* given;
  const ostinato_stages* stages;
} ostinato_backward;

/* One cell, compiled for one CPU target and type. */
typedef struct ostinato_kernel {
  int32_t abi;
  int32_t bytes;      /* of one number: 4 or 8 */
  int32_t lanes;      /* numbers in a vector */
  int32_t sub;        /* vectors of units in a panel */
  int32_t gates, parts, output, parameters; /* OSTINATO_MOST parts and parameters at most */
  int32_t keep;       /* values kept for each unit and step */
  int32_t dense;      /* whether R is a matrix that multiplies inside the loop */
  int32_t same;       /* whether the gradients of u are those of x */
  void (*forward)(const ostinato_forward*);
  void (*backward)(const ostinato_backward*);
  int32_t given;      /* values that come in at each step besides x */
  int32_t staged;     /* whether products or sums along a row stand inside the step; what follows is 0 or null if not */
  int32_t near, far, sums, keep_rows; /* what is set aside, and kept once for each row and step */
  int32_t matrices, groups, projected; /* projected: the group that makes the shown part, or -1 */
  const int32_t *group_size, *group_shown, *group_matrices; /* by group; the matrices of all groups one after another */
} ostinato_kernel;

/* One cell that was lowered when the library was built. */
typedef struct ostinato_cell {
  const char* name;       /* as in Python: "gru" */
  const char* gates;      /* names in the order in which their rows are stacked, parted by blanks: "r z n" */
  const char* state;      /* names of the parts of the state, parted by blanks: "h c" */
  const char* recurrent;  /* how the gates see the state: "dense", "diagonal" or "none" */
  const char* digest;     /* SHA-256 of the traced graph, 64 hexadecimal digits */
  int32_t operations;     /* number of operations in the traced graph */
} ostinato_cell;

/* One call of the primitive: a cell over a batch of sequences. All arrays hold the kernel's type. */
typedef struct ostinato_call {
  const ostinato_kernel* kernel;
  int64_t rows, steps, inputs, hidden; /* B, T, D, H; each may be 0 but H */
  const void* x;                       /* x(b, t, d) at x[b * x_row + t * x_step + d] */
  int64_t x_row, x_step;
  const void* w;                       /* [G H, D] */
  const void* b;                       /* [G H] or null */
  const void* r;                       /* [G H, H]; null unless the cell multiplies */
  const void* br;                      /* [G H] or null */
  const void* const* parameters;       /* [H] each */
  const void* const* matrices;         /* [H, H] each; those of a shown part that is projected have P rows or columns */
  const void* const* given;            /* given(b, t, h) at given[n][b * s[0] + t * s[1] + h * s[2]], s = strides + 3 n */
  const int64_t* given_strides;
  int64_t shown;                       /* P: H unless the cell projects the part that it shows */
  const void* const* start;            /* [B, H] for each part of the state, [B, P] for the shown one */
  const int64_t* lengths;              /* [B], each 0..T; or null: all are T */
  const uint8_t* reset;                /* [B, T], or null */
  int32_t reverse;                     /* from the last valid step to the first */
  int32_t threads;                     /* most to be used; the split follows from the shapes and this number alone */
  void* y;                             /* y(b, t, h) at y[b * y_row + t * y_step + h]; zeros past the lengths */
  int64_t y_row, y_step;
  void* const* end;                    /* [B, H] for each part */
  void* keep;                          /* ostinato_keep_bytes(call) bytes that the way back reads; null: none follows.
                                          Their order does not depend on `threads`, which may differ on the way back */
} ostinato_call;

/* What goes back, and where it goes; a null pointer is a gradient that nobody wants, or one that is zero. */
typedef struct ostinato_gradient {
  const void* dy;                /* dy(b, t, h) at dy[b * dy_row + t * dy_step + h], or null */
  int64_t dy_row, dy_step;
  const void* const* dend;       /* [B, H] each or null */
  void* dx;                      /* dx(b, t, d) at dx[b * dx_row + t * dx_step + d]; zeros past the lengths */
  int64_t dx_row, dx_step;
  void *dw, *db, *dr, *dbr;      /* as w, b, r, br */
  void* const* dparameters;      /* [H] each, or null */
  void* const* dmatrices;        /* as matrices, or null */
  void* const* dstart;           /* [B, H] each, or null */
} ostinato_gradient;

/* SHA-256 over the Python sources from which this library was generated, 64 hexadecimal digits. A caller that has the
 * sources at hand compares, and refuses a library that was built from others. */
const char* ostinato_source_digest(void);

/* The number of lowered cells, and the cell of an index in the order of the registry (null outside). */
int32_t ostinato_cell_count(void);
const ostinato_cell* ostinato_cell_at(int32_t index);

/* The kernel of a built-in cell for the CPU target in use and numbers of so many bytes; null if there is none. */
const ostinato_kernel* ostinato_kernel_at(int32_t index, int32_t bytes);

/* CPU targets: how many were built, their names, whether this machine can run one, which one is in use. Choosing one
 * that cannot run, or an unknown one, returns 0 and changes nothing. */
int32_t ostinato_target_count(void);
const char* ostinato_target_name(int32_t index);
const char* ostinato_target_flags(int32_t index);
int32_t ostinato_target_runs(int32_t index);
int32_t ostinato_target_now(void);
int32_t ostinato_target_choose(int32_t index);

/* Why a call cannot run, as a sentence's end ("the kernel was compiled for another target"); null if it can. */
const char* ostinato_refusal(const ostinato_call* call);

/* The room that the way forward needs to make the way back possible. */
int64_t ostinato_keep_bytes(const ostinato_call* call);

/* Run the primitive, and its way back with the very same call (y and keep as the way forward left them).
 * Return 0, or 1 when memory ran out: nothing that was written is then of use. */
int32_t ostinato_run(const ostinato_call* call);
int32_t ostinato_run_back(const ostinato_call* call, const ostinato_gradient* gradient);

/* Who lends threads runs work(argument, member) for members 0 .. members - 1 on as many threads at once, and returns 1 when
 * all are done; or returns 0 and has run nothing, and the library's own threads do it. Null takes the offer back, and so
 * does a fork, in the child. */
typedef int32_t (*ostinato_threads)(int32_t members, void (*work)(void*, int32_t), void* argument);
void ostinato_lend_threads(ostinato_threads run);

/* Lend the threads of an OpenMP runtime that the program has loaded, by the addresses of its GOMP_parallel,
 * omp_get_thread_num and omp_get_num_threads. The library itself is linked with none. */
void ostinato_lend_openmp(void* parallel, void* thread_number, void* thread_count);

/* Billions of operations per second that `threads` threads reach in a plain loop of multiply-adds: the roof. */
double ostinato_roof(int32_t threads);

#ifdef __cplusplus
}
#endif

#endif
