// Models and their streams: making, copying, and pushing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <new>

#include "denormals.h"
#include "stream_plan.h"
#include "target.h"

using namespace ostinato;

// What all streams of a model share.
struct ostinato_stream_model {
  const StreamTarget* target;
  std::vector<Code> code;
  size_t outside;
  std::vector<Place> number, state, output;
  std::vector<int32_t> number_width, output_width, many;
  std::vector<ostinato_stream_ids> ids;
  std::vector<ostinato_stream_part> part;
  int64_t shared, own, state_floats = 0, block = 0;
  size_t starts = 0;
  float* weights = nullptr;
  std::atomic<int64_t> users{1};
  ~ostinato_stream_model() { free(weights); }
};

// The head of a stream's own block.
struct ostinato_stream {
  ostinato_stream_model* model;
  Running running;
  float* numbers;
};

namespace {

constexpr int64_t kLine = 64;
int64_t lines(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

void* aligned(int64_t bytes) {
  void* made = nullptr;
  return posix_memalign(&made, kLine, size_t(bytes)) == 0 ? made : nullptr;
}

const char* say(char* why, const char* words) {
  snprintf(why, OSTINATO_STREAM_WHY, "%s", words);
  return why;
}

// The parts of a stream's block, one after another: head, steps, starts, doors, ids, numbers.
struct Block {
  explicit Block(const ostinato_stream_model& model) {
    step = take(sizeof(ostinato_stream));
    start = take(int64_t(model.code.size() + 1) * int64_t(sizeof(Step)));
    door = take(int64_t(model.starts) * int64_t(sizeof(float*)));
    now = take(int64_t(model.number.size() + model.output.size()) * int64_t(sizeof(Door)));
    numbers = take(int64_t(model.ids.size()) * int64_t(sizeof(Ids)));
    bytes = take(model.own * int64_t(sizeof(float)));
  }
  int64_t step, start, door, now, numbers, bytes;

 private:
  int64_t take(int64_t size) { return used_ += lines(size); }
  int64_t used_ = 0;
};

// Matrices are padded, but not to many times what came.
bool fits(const ostinato_stream_program& program, int64_t shared) {
  int64_t given = 1 << 22;
  for (int32_t i = 0; i < program.weights; ++i) given += program.weight[i].rows * program.weight[i].columns;
  return shared / 32 <= given;
}

void make(const ostinato_stream_program& program, ostinato_stream_model& model, char* why) {
  model.target = target_now().stream;
  Nodes nodes(program);
  Placed placed(program, nodes, *model.target);
  model.code = std::move(placed.code), model.outside = placed.outside;
  model.number = placed.number, model.state = placed.state, model.output = placed.output;
  model.number_width.assign(program.number, program.number + program.numbers);
  model.ids.assign(program.id, program.id + program.ids);
  model.part.assign(program.part, program.part + program.parts);
  for (int32_t i = 0; i < program.outputs; ++i) model.output_width.push_back(program.value[program.output[i]].width);
  for (const ostinato_stream_ids& one : model.ids) model.many.push_back(one.many);
  for (const ostinato_stream_part& part : model.part) model.state_floats += part.width;
  for (const Code& code : model.code) model.starts += code.starts.size();
  model.shared = placed.shared, model.own = placed.own, model.block = Block(model).bytes;
  if (model.own > 2 * kMostNumbers || !fits(program, model.shared)) {
    say(why, "it would need far more memory than its weights");
    return;
  }
  model.weights = static_cast<float*>(aligned(lines((model.shared + 16) * int64_t(sizeof(float)))));
  if (!model.weights) {
    say(why, "memory ran out");
    return;
  }
  for (const Packed& packed : placed.packed) fill(program, nodes, *model.target, packed, model.weights);
}

// Find the operands of all instructions.
void resolve(ostinato_stream* stream, char* block) {
  const ostinato_stream_model& model = *stream->model;
  const Block at(model);
  Step* step = reinterpret_cast<Step*>(block + at.step);
  const float** start = reinterpret_cast<const float**>(block + at.start);
  Door* door = reinterpret_cast<Door*>(block + at.door);
  Ids* now = reinterpret_cast<Ids*>(block + at.now);
  stream->numbers = reinterpret_cast<float*>(block + at.numbers);
  const auto found = [&](Place place) {
    return place.at < 0 ? nullptr : (place.shared ? model.weights : stream->numbers) + place.at;
  };
  Running& running = stream->running;
  running = {step,
             0,
             int32_t(model.number.size()),
             int32_t(model.ids.size()),
             int32_t(model.output.size()),
             door,
             door + model.number.size(),
             now,
             model.many.data()};
  for (size_t i = 0; i < model.number.size(); ++i) *door++ = {found(model.number[i]), model.number_width[i]};
  for (size_t i = 0; i < model.output.size(); ++i) *door++ = {found(model.output[i]), model.output_width[i]};
  for (size_t i = 0; i < model.code.size(); ++i) {
    const Code& code = model.code[i];
    if (i == model.outside) *step++ = Step{};
    *step = Step{};
    step->run = model.target->operations[code.operation];
    for (int k = 0; k < 4; ++k) {
      step->from[k] = found(code.from[k]);
      step->stride[k] = step->from[k] && !code.scalar[k] ? model.target->lanes : 0;
    }
    step->to = found(code.to), step->count = code.count, step->width = code.width;
    step->ids = code.ids >= 0 ? now + code.ids : nullptr;
    step->starts = start;
    for (const Place& place : code.starts) *start++ = found(place);
    ++step;
  }
  running.steps = int32_t(step - running.step);
}

ostinato_stream* begin(ostinato_stream_model* model) {
  char* block = static_cast<char*>(aligned(model->block));
  if (!block) return nullptr;
  memset(block, 0, size_t(model->block));
  ostinato_stream* stream = new (block) ostinato_stream{model, {}, nullptr};
  model->users.fetch_add(1);
  resolve(stream, block);
  return stream;
}

int32_t fault_of(ostinato_stream_fault* fault, int32_t kind, int32_t input, int64_t step, int64_t place) {
  if (fault) *fault = {kind, input, step, place};
  return kind;
}

int32_t check_ids(const ostinato_stream_model& model, const ostinato_stream_chunk& chunk, int32_t input,
                  ostinato_stream_fault* fault) {
  const ostinato_stream_ids& ids = model.ids[size_t(input)];
  const int64_t* const ends = ids.many ? chunk.ends[input] : nullptr;
  // No id is read before all ends are known to rise to the last.
  for (int64_t t = 0; ends && t < chunk.steps; ++t)
    if (ends[t] < (t ? ends[t - 1] : 0)) return fault_of(fault, OSTINATO_STREAM_ENDS, input, t, 0);
  for (int64_t t = 0, i = 0; t < chunk.steps; ++t) {
    const int64_t first = i, end = ends ? ends[t] : t + 1;
    for (; i < end; ++i)
      if (chunk.id[input][i] < 0 || chunk.id[input][i] >= ids.count)
        return fault_of(fault, OSTINATO_STREAM_NO_SUCH_ID, input, t, i - first);
  }
  return OSTINATO_STREAM_FINE;
}

}  // namespace

extern "C" ostinato_stream_model* ostinato_stream_make(const ostinato_stream_program* program,
                                                       char why[OSTINATO_STREAM_WHY]) {
  why[0] = 0;
  if (!checked(*program, why)) return nullptr;
  ostinato_stream_model* model = new (std::nothrow) ostinato_stream_model;
  try {
    if (model)
      make(*program, *model, why);
    else
      say(why, "memory ran out");
  } catch (const std::bad_alloc&) {
    say(why, "memory ran out");
  }
  if (!why[0]) return model;
  delete model;
  return nullptr;
}

extern "C" void ostinato_stream_drop(ostinato_stream_model* model) {
  if (model && model->users.fetch_sub(1) == 1) delete model;
}

extern "C" int64_t ostinato_stream_weight_bytes(const ostinato_stream_model* model) { return model->shared * 4; }
extern "C" int64_t ostinato_stream_bytes(const ostinato_stream_model* model) { return model->block; }
extern "C" int64_t ostinato_stream_state_bytes(const ostinato_stream_model* model) { return model->state_floats * 4; }
extern "C" int32_t ostinato_stream_numbers(const ostinato_stream_model* model) { return int32_t(model->number.size()); }
extern "C" int32_t ostinato_stream_number_width(const ostinato_stream_model* model, int32_t index) {
  return index >= 0 && index < ostinato_stream_numbers(model) ? model->number_width[size_t(index)] : 0;
}
extern "C" int32_t ostinato_stream_id_inputs(const ostinato_stream_model* model) { return int32_t(model->ids.size()); }
extern "C" int32_t ostinato_stream_many(const ostinato_stream_model* model, int32_t index) {
  return index >= 0 && index < ostinato_stream_id_inputs(model) ? model->many[size_t(index)] : 0;
}
extern "C" int32_t ostinato_stream_outputs(const ostinato_stream_model* model) { return int32_t(model->output.size()); }
extern "C" int32_t ostinato_stream_output_width(const ostinato_stream_model* model, int32_t index) {
  return index >= 0 && index < ostinato_stream_outputs(model) ? model->output_width[size_t(index)] : 0;
}
extern "C" int32_t ostinato_stream_length(const ostinato_stream_model* model) { return int32_t(model->code.size()); }

// Weights come at about 64 bytes in a nanosecond; the rest is small.
extern "C" int64_t ostinato_stream_nanoseconds(const ostinato_stream_model* model) {
  int64_t bytes = 0;
  for (const Code& code : model->code)
    bytes += code.count * model->target->lanes * int64_t(sizeof(float)) *
             (code.operation == OSTINATO_PRODUCT ? code.width : 4);
  return bytes / 64 + 10 * int64_t(model->code.size());
}

extern "C" ostinato_stream* ostinato_stream_begin(ostinato_stream_model* model) {
  ostinato_stream* stream = begin(model);
  if (stream) ostinato_stream_reset(stream);
  return stream;
}

extern "C" ostinato_stream* ostinato_stream_fork(const ostinato_stream* stream) {
  ostinato_stream* other = begin(stream->model);
  if (other) memcpy(other->numbers, stream->numbers, size_t(stream->model->own) * sizeof(float));
  return other;
}

extern "C" void ostinato_stream_end(ostinato_stream* stream) {
  if (!stream) return;
  ostinato_stream_model* model = stream->model;
  free(stream);
  ostinato_stream_drop(model);
}

namespace {

// A scalar stands in all lanes.
void set_part(ostinato_stream* stream, size_t part, const float* from, bool same) {
  const ostinato_stream_model& model = *stream->model;
  float* to = stream->numbers + model.state[part].at;
  const int32_t width = model.part[part].width, lanes = model.target->lanes;
  const bool scalar = width == 1;
  for (int32_t i = 0; i < (scalar ? lanes : width); ++i) to[i] = from[same || scalar ? 0 : i];
}

}  // namespace

extern "C" void ostinato_stream_reset(ostinato_stream* stream) {
  for (size_t i = 0; i < stream->model->part.size(); ++i) set_part(stream, i, &stream->model->part[i].start, true);
}

extern "C" void ostinato_stream_state(const ostinato_stream* stream, float* state) {
  for (size_t i = 0; i < stream->model->part.size(); ++i) {
    const size_t width = size_t(stream->model->part[i].width);
    memcpy(state, stream->numbers + stream->model->state[i].at, width * sizeof(float));
    state += width;
  }
}

extern "C" void ostinato_stream_set_state(ostinato_stream* stream, const float* state) {
  for (size_t i = 0; i < stream->model->part.size(); ++i) {
    set_part(stream, i, state, false);
    state += stream->model->part[i].width;
  }
}

extern "C" int32_t ostinato_stream_check(const ostinato_stream_model* model, const ostinato_stream_chunk* chunk,
                                         ostinato_stream_fault* fault) {
  for (size_t i = 0; i < model->number.size(); ++i) {
    const int64_t width = model->number_width[i];
    const int64_t wrong = model->target->not_finite(chunk->number[i], chunk->steps * width);
    if (wrong >= 0) return fault_of(fault, OSTINATO_STREAM_NOT_FINITE, int32_t(i), wrong / width, wrong % width);
  }
  for (size_t i = 0; i < model->ids.size(); ++i)
    if (const int32_t wrong = check_ids(*model, *chunk, int32_t(i), fault)) return wrong;
  return OSTINATO_STREAM_FINE;
}

extern "C" void ostinato_stream_run(ostinato_stream* stream, const ostinato_stream_chunk* chunk) {
  FlushDenormals mode;
  stream->model->target->run(&stream->running, chunk);
}

extern "C" int32_t ostinato_stream_push(ostinato_stream* stream, const ostinato_stream_chunk* chunk,
                                        ostinato_stream_fault* fault) {
  // Denormal numbers would slow down the check too.
  FlushDenormals mode;
  if (const int32_t wrong = ostinato_stream_check(stream->model, chunk, fault)) return wrong;
  stream->model->target->run(&stream->running, chunk);
  return OSTINATO_STREAM_FINE;
}
