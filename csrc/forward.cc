// The way forward: W x + b for a stretch of time as one product, then the steps of that stretch while it is in the cache.
#include <new>

#include "packing.h"
#include "threads.h"

namespace ostinato {
namespace {

constexpr int kMostParts = 64;
// Bytes of W x + b that a team makes before it takes the steps, and the rows that make the product worth its name.
constexpr int64_t kStretch = 384 << 10;
constexpr int64_t kFewestRows = 48;

template <class R>
class Forward {
 public:
  Forward(const ostinato_call& call, Block block)
      : call_(call), kernel_(*call.kernel), shape_(call), split_(split_of(call)), products_(products_of(sizeof(R))) {
    teams_ = teams_of(call, split_, block);
    w_ = block.take<R>(shape_.panels * call.inputs * shape_.panel);
    r_ = kernel_.dense ? block.take<R>(shape_.panels * call.hidden * shape_.panel) : nullptr;
    b_ = block.take<R>(shape_.depth);
    br_ = block.take<R>(shape_.depth);
    parameters_ = block.take<R>(kernel_.parameters * shape_.width);
    named_ = block.take<const void*>(kernel_.parameters);
    const int64_t most_rows = call.rows / split_.teams + 1;
    const int64_t fitting = kStretch / (most_rows * shape_.gate_row * int64_t(sizeof(R)));
    stretch_ = least(most(most(fitting, 1), (kFewestRows + most_rows - 1) / most_rows), most(split_.longest, 1));
    buffers_ = block.take<Buffers>(split_.teams);
    for (int k = 0; k < split_.teams; ++k) {
      Buffers made;
      made.x = block.take<R>(most_rows * stretch_ * call.inputs);
      made.gates = block.take<R>(most_rows * stretch_ * shape_.gate_row);
      made.h[0] = block.take<R>(most_rows * shape_.width);
      made.h[1] = block.take<R>(most_rows * shape_.width);
      made.states = block.take<void*>(kernel_.parts);
      R* states = block.take<R>(kernel_.parts * most_rows * shape_.width);
      if (!buffers_) continue;
      for (int s = 0; s < kernel_.parts; ++s) made.states[s] = states + s * most_rows * shape_.width;
      buffers_[k] = made;
    }
    // One thread takes all steps of a row of a cell in stages.
    groups_ = block.take<Staged>(kernel_.groups);
    for (int g = 0; g < kernel_.groups; ++g) {
      const Group group(call, g);
      R* packed = block.take<R>(group.panels * group.sums * group.panel);
      if (groups_) new (&groups_[g]) Staged{group, packed};
    }
    for (int k = 0; k < split_.teams; ++k) {
      R* given = block.take<R>(kernel_.given * most_rows * shape_.width);
      const void** each = block.take<const void*>(kernel_.given);
      ostinato_stages* stages = kernel_.staged ? take_stages(block, most_rows) : nullptr;
      if (!buffers_) continue;
      for (int n = 0; n < kernel_.given; ++n) each[n] = given + n * most_rows * shape_.width;
      buffers_[k].given = each;
      buffers_[k].stages = stages;
    }
    scratch_row_ = most_rows * shape_.panel + 64;
    scratch_ = block.take<R>(split_.threads * scratch_row_);
    zero_ = block.take<uint8_t>(split_.threads * (most_rows + 64));
    zero_row_ = most_rows + 64;
    keep_ = block.take<void*>(split_.threads * zero_row_);
    all_.set(split_.threads);
    for (int k = 0; k < kMostParts; ++k) team_[k].set(split_.members);
    bytes_ = block.used();
  }

  int64_t bytes() const { return bytes_; }
  bool run() {
    return run_team(split_.threads, [](void* self, int thread) { static_cast<Forward*>(self)->member(thread); }, this);
  }

 private:
  struct Buffers {
    R *x, *gates, *h[2];
    void** states;
    const void** given;
    ostinato_stages* stages;
  };
  struct Staged {
    Group group;
    R* packed;
  };

  // What a step in stages works with, for one team.
  ostinato_stages* take_stages(Block& block, int64_t rows) {
    ostinato_stages* stages = block.take<ostinato_stages>(1);
    const void** packed = block.take<const void*>(kernel_.groups);
    void** result = block.take<void*>(kernel_.groups);
    void** operand = block.take<void*>(kernel_.groups);
    int64_t* group_row = block.take<int64_t>(kernel_.groups);
    for (int g = 0; g < kernel_.groups; ++g) {
      const Group group(call_, g);
      R* products = block.take<R>(rows * group.gate_row);
      R* multiplied = group.shown ? nullptr : block.take<R>(rows * shape_.width);
      if (!stages) continue;
      packed[g] = groups_[g].packed, result[g] = products, operand[g] = multiplied, group_row[g] = group.gate_row;
    }
    R* near = block.take<R>(kernel_.near * shape_.width);
    R* far = block.take<R>(rows * kernel_.far * shape_.width);
    R* sums = block.take<R>(rows * most(kernel_.sums, 1));
    if (stages) *stages = {packed, result, operand, nullptr, group_row, call_.shown, near, far, sums};
    return stages;
  }

  // The part of one thread: its team's rows, its own panels.
  void member(int thread) {
    pack(thread);
    const int which = thread / split_.members;
    Member me{teams_[which], buffers_[which], team_[which < kMostParts ? which : 0], {}, {}, thread % split_.members};
    me.panels = split_.alone ? Part{0, thread == 0 ? shape_.panels : 0} : part_of(shape_.panels, me.number, split_.members);
    me.units = {least(me.panels.first * shape_.units, call_.hidden), least(me.panels.last * shape_.units, call_.hidden)};
    begin(me);
    all_.wait();
    ostinato_forward step = prepared(me, thread);
    int now = 0;
    for (int64_t s0 = 0; s0 < split_.longest; s0 += stretch_) {
      const int64_t s1 = least(s0 + stretch_, split_.longest);
      multiply_inputs(me, s0, s1);
      for (int64_t s = s0; s < s1; ++s) {
        step.rows = me.team.active[s];
        if (step.rows > 0 && me.panels.last > 0) take_step(me, step, thread, s, me.team.offset[s] - me.team.offset[s0], now);
        now ^= 1;
        if (kernel_.dense && !split_.alone) me.barrier.wait();
      }
    }
  }

  struct Member {
    const Team& team;
    const Buffers& with;
    Barrier& barrier;
    Part panels, units;
    int number;
  };

  void pack(int thread) {
    const Part mine = part_of(shape_.panels, thread, split_.threads);
    const auto stacked = [&](const void* weights, int64_t depth) {
      return Rows<R>(weights, kernel_.gates, call_.hidden, depth);
    };
    pack_by_panel<R>(shape_, stacked(call_.w, call_.inputs), call_.inputs, mine.first, mine.last, w_);
    if (kernel_.dense)
      pack_by_panel<R>(shape_, stacked(call_.r, call_.hidden), call_.hidden, mine.first, mine.last, r_);
    for (int g = 0; g < kernel_.groups; ++g) {
      const Group& group = groups_[g].group;
      const Rows<R> rows(call_.matrices, kernel_.group_matrices + group.first, group.gates);
      const Part part = part_of(group.panels, thread, split_.threads);
      pack_by_panel<R>(group, rows, group.sums, part.first, part.last, groups_[g].packed);
    }
    if (thread > 0) return;
    pack_vector(shape_, call_.hidden, static_cast<const R*>(call_.b), b_);
    pack_vector(shape_, call_.hidden, static_cast<const R*>(call_.br), br_);
    pack_parameters(call_, shape_, parameters_);
    for (int n = 0; n < kernel_.parameters; ++n) named_[n] = parameters_ + n * shape_.width;
  }

  R* part(const Buffers& with, int s, int now) const {
    return s == kernel_.output ? with.h[now] : static_cast<R*>(with.states[s]);
  }

  // The columns of a part of the state that a member cares for: some units, or all of a cell in stages.
  Part columns(const Member& me, int part) const {
    return kernel_.staged ? Part{0, me.panels.last > 0 ? width_of(call_, part) : 0} : me.units;
  }

  // The initial state into the buffers, the last one out for rows without a step.
  void begin(Member& me) {
    for (int64_t i = 0; i < me.team.rows; ++i) {
      const int64_t row = me.team.order[i];
      for (int s = 0; s < kernel_.parts; ++s) {
        const Part mine = columns(me, s);
        const int64_t from = row * width_of(call_, s) + mine.first, count = mine.last - mine.first;
        const R* start = static_cast<const R*>(call_.start[s]) + from;
        R* state = part(me.with, s, 0) + i * shape_.width;
        if (kernel_.staged) {
          if (count > 0) clear(state, shape_.width);
        } else {
          clear(state + me.panels.first * shape_.units, (me.panels.last - me.panels.first) * shape_.units);
        }
        copy(state + mine.first, start, count);
        if (me.team.length[i] == 0) copy(static_cast<R*>(call_.end[s]) + from, start, count);
      }
      const Part shown = columns(me, kernel_.output);
      for (int64_t t = me.team.length[i]; t < call_.steps; ++t)
        clear(static_cast<R*>(call_.y) + row * call_.y_row + t * call_.y_step + shown.first, shown.last - shown.first);
      // What no step fills is shown to none, but is loaded.
      for (int n = 0; n < kernel_.given && me.number == 0; ++n) clear(given(me, n, i), shape_.width);
      if (kernel_.staged && me.panels.last > 0) clear(me.with.h[1] + i * shape_.width, shape_.width);
    }
  }

  R* given(const Member& me, int n, int64_t i) const {
    return static_cast<R*>(const_cast<void*>(me.with.given[n])) + i * shape_.width;
  }

  ostinato_forward prepared(const Member& me, int thread) const {
    ostinato_forward step{};
    step.product = products_;
    step.hidden = call_.hidden, step.first = me.panels.first, step.last = me.panels.last;
    step.width = shape_.width, step.x_row = shape_.gate_row;
    step.state = me.with.states;
    step.r = r_, step.br = br_;
    step.parameters = named_;
    step.scratch = scratch_ + thread * scratch_row_;
    step.given = me.with.given;
    step.stages = me.with.stages;
    return step;
  }

  void multiply_inputs(Member& me, int64_t s0, int64_t s1) {
    const int64_t base = me.team.offset[s0];
    const int64_t rows = me.team.offset[s1] - base;
    for (int64_t s = s0; s < s1; ++s) {
      const Part mine = part_of(me.team.active[s], me.number, split_.members);
      for (int64_t i = mine.first; i < mine.last; ++i) {
        const int64_t t = time_of(call_, me.team.length[i], s);
        copy(me.with.x + (me.team.offset[s] - base + i) * call_.inputs,
             static_cast<const R*>(call_.x) + me.team.order[i] * call_.x_row + t * call_.x_step, call_.inputs);
      }
    }
    me.barrier.wait();
    const int64_t vectors = shape_.panel / shape_.lanes;
    const Part mine = part_of(shape_.panels, me.number, split_.members);
    for (int64_t p = mine.first; p < mine.last; ++p)
      products_[vectors](me.with.x, call_.inputs, 1, rows, w_ + p * call_.inputs * shape_.panel, call_.inputs,
                         b_ + p * shape_.panel, 0, me.with.gates + p * shape_.panel, shape_.gate_row);
    // The next stretch's inputs may only be written when all members have read these, which a step's barrier sees to.
    if (!kernel_.dense || split_.alone) me.barrier.wait();
  }

  void take_step(Member& me, ostinato_forward& step, int thread, int64_t s, int64_t at, int now) {
    uint8_t* zero = zero_ + thread * zero_row_;
    step.x = me.with.gates + at * shape_.gate_row;
    step.h = me.with.h[now];
    step.h_next = me.with.h[now ^ 1];
    if (call_.keep) {
      void** keep = keep_ + thread * zero_row_;
      for (int64_t i = 0; i < step.rows; ++i)
        keep[i] = static_cast<R*>(call_.keep) + (me.team.begin[i] + s) * shape_.keep_row;
      step.keep = keep;
    }
    step.zero = nullptr;
    if (call_.reset) {
      for (int64_t i = 0; i < step.rows; ++i)
        zero[i] = begins_anew(call_, me.team.order[i], me.team.length[i], s);
      step.zero = zero;
    }
    for (int n = 0; n < kernel_.given; ++n)
      for (int64_t i = 0; i < step.rows; ++i)
        copy_given(call_, n, me.team.order[i], time_of(call_, me.team.length[i], s), me.units.first,
                   me.units.last - me.units.first, given(me, n, i) + me.units.first);
    kernel_.forward(&step);
    const Part shown = columns(me, kernel_.output);
    const int64_t going = me.team.active[s + 1];
    for (int64_t i = 0; i < step.rows; ++i) {
      const int64_t row = me.team.order[i], length = me.team.length[i], t = time_of(call_, length, s);
      copy(static_cast<R*>(call_.y) + row * call_.y_row + t * call_.y_step + shown.first,
           me.with.h[now ^ 1] + i * shape_.width + shown.first, shown.last - shown.first);
      if (i < going) continue;
      const bool anew = begins_anew(call_, row, length, length);
      for (int p = 0; p < kernel_.parts; ++p) {
        const Part mine = columns(me, p);
        R* end = static_cast<R*>(call_.end[p]) + row * width_of(call_, p) + mine.first;
        if (anew) {
          clear(end, mine.last - mine.first);
        } else {
          copy(end, part(me.with, p, now ^ 1) + i * shape_.width + mine.first, mine.last - mine.first);
        }
      }
    }
  }

  const ostinato_call& call_;
  const ostinato_kernel& kernel_;
  Shape shape_;
  Split split_;
  const ostinato_product* products_;
  Team* teams_;
  Buffers* buffers_;
  Staged* groups_;
  R *w_, *r_, *b_, *br_, *parameters_, *scratch_;
  const void** named_;
  uint8_t* zero_;
  void** keep_;
  int64_t stretch_, scratch_row_, zero_row_, bytes_;
  Barrier all_, team_[kMostParts];
};

template <class R>
int32_t run(const ostinato_call& call) {
  const int64_t bytes = Forward<R>(call, Block(nullptr)).bytes();
  char* memory = borrow(bytes);
  if (!memory) return 1;
  const bool done = Forward<R>(call, Block(memory)).run();
  give_back(memory);
  if (done || call.threads <= 1) return done ? 0 : 1;
  // No thread could be started: the caller does it all.
  ostinato_call alone = call;
  alone.threads = 1;
  return run<R>(alone);
}

}  // namespace
}  // namespace ostinato

extern "C" int64_t ostinato_keep_bytes(const ostinato_call* call) {
  const ostinato::Shape shape(*call);
  return ostinato::split_of(*call).steps * shape.keep_row * call->kernel->bytes;
}

extern "C" int32_t ostinato_run(const ostinato_call* call) {
  return call->kernel->bytes == 4 ? ostinato::run<float>(*call) : ostinato::run<double>(*call);
}
