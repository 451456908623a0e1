/* The C ABI of the streaming runtime, on one page: a model as one step for one row, run again and again in float32.
 *
 * Plain C99, as ostinato.h. Nothing here prints or throws. A model is made once from a program and shared by all of its
 * streams, from any thread; a stream belongs to one thread at a time. Pushing allocates nothing, takes no lock and asks
 * the system for nothing.
 *
 * Ownership: what is made here is freed here; a model lives until it and all of its streams are freed. A program and what
 * it points to belong to the caller and are not kept. Aliasing: outputs overlap nothing else.
 * A program is data that nobody trusts: it is checked as a whole before memory is asked for.
 *
 * The same pushes give the same bits on one CPU target, however they are cut into chunks and whatever other streams do:
 * the order of each sum follows from the shapes alone. Denormal numbers count as zero.
 */
#ifndef OSTINATO_STREAM_H
#define OSTINATO_STREAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of values. A value of width 1 is a scalar: elementwise kinds take it together with any width. */
enum {
  OSTINATO_NUMBER,      /* an input; label: which */
  OSTINATO_STATE,       /* a part of the state as it was before the step; label: which */
  OSTINATO_WEIGHT,      /* a weight of one row; label: which */
  OSTINATO_CONSTANT,    /* a scalar; label: the bits of the float */
  OSTINATO_LOOKUP_SUM,  /* sum of a weight's rows for the ids of this step; label: which ids, other: which weight */
  OSTINATO_LOOKUP_MEAN, /* their mean; both are zeros where there are no ids */
  OSTINATO_COUNT,       /* how many ids came, a scalar; label: which ids */
  OSTINATO_PRODUCT,     /* (value) or (value, start): start + value W; label: which weight, [width of value, width] */
  OSTINATO_SLICE,       /* (value): `width` numbers of it; label: the first one */
  OSTINATO_JOIN,        /* any values, one after another */
  OSTINATO_ADD, OSTINATO_SUBTRACT, OSTINATO_MULTIPLY, OSTINATO_DIVIDE,
  OSTINATO_NEGATE, OSTINATO_SIGMOID, OSTINATO_TANH, OSTINATO_RELU, OSTINATO_EXP, OSTINATO_LOG, OSTINATO_SOFTPLUS,
  OSTINATO_SQRT, OSTINATO_ABSOLUTE, OSTINATO_SIN, OSTINATO_COS,
  OSTINATO_MAXIMUM, OSTINATO_MINIMUM,
  OSTINATO_LESS,        /* 1 or 0 */
  OSTINATO_SELECT,      /* (condition, a, b): a where the condition is not 0, else b */
  OSTINATO_ROW_SUM, OSTINATO_ROW_MEAN, OSTINATO_ROW_MAX,
  OSTINATO_KINDS
};

/* The name of a kind as programs write it: "row_sum"; null outside. */
const char* ostinato_stream_kind(int32_t kind);

typedef struct ostinato_stream_value {
  int32_t kind, width;
  int32_t first, count; /* its arguments: argument[first], ...; each is the index of an earlier value */
  int32_t label, other;
} ostinato_stream_value;

typedef struct ostinato_stream_ids {
  int32_t count; /* ids are 0 .. count - 1 */
  int32_t many;  /* whether a step has any number of them, not just one */
} ostinato_stream_ids;

typedef struct ostinato_stream_part {
  int32_t width;
  int32_t after; /* the value that replaces it at the end of the step */
  float start;
} ostinato_stream_part;

typedef struct ostinato_stream_weight {
  int64_t rows, columns;
  const float* data; /* [rows, columns]; rows are inputs of a matrix, or members of a table */
} ostinato_stream_weight;

/* One step. Counts stand first; each pointer has as many elements as the count of its name. */
typedef struct ostinato_stream_program {
  int32_t values, arguments, numbers, ids, parts, outputs, weights;
  const ostinato_stream_value* value;
  const int32_t* argument;
  const int32_t* number; /* widths */
  const ostinato_stream_ids* id;
  const ostinato_stream_part* part;
  const int32_t* output; /* values */
  const ostinato_stream_weight* weight;
} ostinato_stream_program;

typedef struct ostinato_stream_model ostinato_stream_model;
typedef struct ostinato_stream ostinato_stream;

#define OSTINATO_STREAM_WHY 160

/* A model for the CPU target in use, or null: then `why` holds a sentence's end. */
ostinato_stream_model* ostinato_stream_make(const ostinato_stream_program* program, char why[OSTINATO_STREAM_WHY]);
void ostinato_stream_drop(ostinato_stream_model* model);

/* Bytes of what all streams share, of one stream, and of the numbers of its state. */
int64_t ostinato_stream_weight_bytes(const ostinato_stream_model* model);
int64_t ostinato_stream_bytes(const ostinato_stream_model* model);
int64_t ostinato_stream_state_bytes(const ostinato_stream_model* model);
/* How many inputs, ids and outputs there are, and their widths; 0 outside. */
int32_t ostinato_stream_numbers(const ostinato_stream_model* model);
int32_t ostinato_stream_number_width(const ostinato_stream_model* model, int32_t index);
int32_t ostinato_stream_id_inputs(const ostinato_stream_model* model);
int32_t ostinato_stream_many(const ostinato_stream_model* model, int32_t index);
int32_t ostinato_stream_outputs(const ostinato_stream_model* model);
int32_t ostinato_stream_output_width(const ostinato_stream_model* model, int32_t index);
/* How many instructions a step has become, and about how many nanoseconds it takes. */
int32_t ostinato_stream_length(const ostinato_stream_model* model);
int64_t ostinato_stream_nanoseconds(const ostinato_stream_model* model);

/* A stream at the start of a sequence, or one where another stands; null when memory ran out. */
ostinato_stream* ostinato_stream_begin(ostinato_stream_model* model);
ostinato_stream* ostinato_stream_fork(const ostinato_stream* stream);
void ostinato_stream_end(ostinato_stream* stream);
void ostinato_stream_reset(ostinato_stream* stream);

/* The state: all parts in their order, one after another. */
void ostinato_stream_state(const ostinato_stream* stream, float* state);
void ostinato_stream_set_state(ostinato_stream* stream, const float* state);

/* A chunk of steps; those before `first` are checked with the others, but have run already. */
typedef struct ostinato_stream_chunk {
  int64_t first, steps;
  const float* const* number;  /* by input: [steps, width] */
  const int32_t* const* id;    /* by ids: [steps], or as many as `ends` says */
  const int64_t* const* ends;  /* by ids: [steps], where each step's ids end; unused unless there are many */
  float* const* output;        /* by output: [steps, width] */
} ostinato_stream_chunk;

/* What is wrong with a chunk. */
enum { OSTINATO_STREAM_FINE, OSTINATO_STREAM_NOT_FINITE, OSTINATO_STREAM_NO_SUCH_ID, OSTINATO_STREAM_ENDS };
typedef struct ostinato_stream_fault {
  int32_t kind, input; /* input: which number or which ids */
  int64_t step, place; /* place: the column, or which id of the step */
} ostinato_stream_fault;

/* OSTINATO_STREAM_FINE, or the kind of the first fault that a chunk has. The lengths of the arrays are the caller's
 * promise; the last of `ends` is how many ids there are. */
int32_t ostinato_stream_check(const ostinato_stream_model* model, const ostinato_stream_chunk* chunk,
                              ostinato_stream_fault* fault);

/* Run a chunk that was found fine. */
void ostinato_stream_run(ostinato_stream* stream, const ostinato_stream_chunk* chunk);

/* Both: a chunk with a fault is refused as a whole, and the state is kept. */
int32_t ostinato_stream_push(ostinato_stream* stream, const ostinato_stream_chunk* chunk, ostinato_stream_fault* fault);

#ifdef __cplusplus
}
#endif

#endif
