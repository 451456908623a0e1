// The way back through time: the steps of a stretch from its end to its begin, then one product for everything that
// the stretch adds to the gradients of inputs and weights.
#include <new>

#include "packing.h"
#include "threads.h"

namespace ostinato {
namespace {

constexpr int kMostParts = 64;
// Steps of all rows together in a stretch: the depth of the products that make the gradients of weights.
constexpr int64_t kStretchRows = 384;

template <class R>
class Backward {
 public:
  Backward(const ostinato_call& call, const ostinato_gradient& gradient, Block block)
      : call_(call), gradient_(gradient), kernel_(*call.kernel), shape_(call), split_(split_of(call)),
        products_(products_of(sizeof(R))) {
    teams_ = teams_of(call, split_, block);
    const int64_t rows = call.rows / split_.teams + 1;
    stretch_ = least(most(kStretchRows / most(call.rows, 1), 1), most(split_.longest, 1));
    const bool two = kernel_.dense && !kernel_.same;
    weights_wanted_ = gradient.dw || gradient.db || (kernel_.dense && (gradient.dr || gradient.dbr));
    by_state_ = {shape_.lanes, shape_.depth, call.hidden};
    by_input_ = {shape_.lanes, shape_.depth, call.inputs};
    rt_ = kernel_.dense ? block.take<R>(by_state_.size()) : nullptr;
    wt_ = gradient.dx ? block.take<R>(by_input_.size()) : nullptr;
    parameters_ = block.take<R>(kernel_.parameters * shape_.width);
    named_ = block.take<const void*>(kernel_.parameters);
    steps_most_ = split_.teams * rows * stretch_;
    x_ = {shape_.lanes, steps_most_, call.inputs};
    h_ = {shape_.lanes, steps_most_, call.hidden};
    inputs_ = gradient.dw ? block.take<R>(x_.size()) : nullptr;
    states_ = kernel_.dense && gradient.dr ? block.take<R>(h_.size()) : nullptr;
    buffers_ = block.take<Buffers>(split_.teams);
    for (int k = 0; k < split_.teams; ++k) {
      Buffers made;
      made.dx = block.take<R>(rows * stretch_ * shape_.gate_row);
      made.du = two ? block.take<R>(rows * stretch_ * shape_.gate_row) : made.dx;
      made.edge = kernel_.dense ? block.take<R>(rows * shape_.gate_row) : nullptr;
      made.dy = block.take<R>(rows * shape_.width);
      made.dinput = gradient.dx ? block.take<R>(rows * stretch_ * (call.inputs + shape_.lanes)) : nullptr;
      made.carry = block.take<void*>(kernel_.parts);
      made.dparameters = block.take<void*>(kernel_.parameters);
      R* carry = block.take<R>(kernel_.parts * rows * shape_.width);
      R* sums = block.take<R>(kernel_.parameters * shape_.width);
      if (!buffers_) continue;
      for (int s = 0; s < kernel_.parts; ++s) made.carry[s] = carry + s * rows * shape_.width;
      for (int n = 0; n < kernel_.parameters; ++n) made.dparameters[n] = sums + n * shape_.width;
      buffers_[k] = made;
    }
    groups_ = block.take<Staged>(kernel_.groups);
    for (int g = 0; g < kernel_.groups; ++g) {
      const Group group(call, g);
      const Grouped columns{shape_.lanes, group.depth, group.sums}, left{shape_.lanes, steps_most_, group.sums};
      R* packed = block.take<R>(columns.size());
      bool wanted = false;
      for (int64_t m = 0; gradient.dmatrices && m < group.gates; ++m)
        wanted |= gradient.dmatrices[kernel_.group_matrices[group.first + m]] != nullptr;
      weights_wanted_ |= wanted;
      R* gathered = wanted ? block.take<R>(left.size()) : nullptr;
      if (groups_) new (&groups_[g]) Staged{group, columns, left, packed, gathered};
    }
    for (int k = 0; k < split_.teams; ++k) {
      R* given = block.take<R>(kernel_.given * rows * shape_.width);
      const void** each = block.take<const void*>(kernel_.given);
      ostinato_stages* stages = kernel_.staged ? take_stages(block, rows) : nullptr;
      R** dq = block.take<R*>(kernel_.groups);
      R** operand = block.take<R*>(kernel_.groups);
      for (int g = 0; g < kernel_.groups; ++g) {
        const Group group(call, g);
        R* products = block.take<R>(rows * stretch_ * group.gate_row);
        R* multiplied = group.shown ? nullptr : block.take<R>(rows * stretch_ * shape_.width);
        if (buffers_) dq[g] = products, operand[g] = multiplied;
      }
      if (!buffers_) continue;
      for (int n = 0; n < kernel_.given; ++n) each[n] = given + n * rows * shape_.width;
      buffers_[k].given = each, buffers_[k].stages = stages, buffers_[k].dq = dq, buffers_[k].operand = operand;
    }
    scratch_row_ = most(rows, shape_.lanes) * kGroup * shape_.lanes + 64;
    scratch_ = block.take<R>(split_.threads * scratch_row_);
    packed_ = weights_wanted_ ? block.take<R>(split_.threads * steps_most_ * shape_.lanes) : nullptr;
    zero_row_ = rows + 64;
    zero_ = block.take<uint8_t>(split_.threads * zero_row_);
    keep_ = block.take<const void*>(split_.threads * zero_row_);
    all_.set(split_.threads);
    for (int k = 0; k < kMostParts; ++k) team_[k].set(split_.members);
    bytes_ = block.used();
  }

  int64_t bytes() const { return bytes_; }
  bool run() {
    return run_team(split_.threads, [](void* self, int thread) { static_cast<Backward*>(self)->member(thread); }, this);
  }

 private:
  struct Buffers {
    R *dx, *du;   // gradients of x and u [steps of the stretch, gate_row]
    R* edge;      // those of u at the first step of the stretch that came after
    R *dy, *dinput;
    void **carry, **dparameters;
    const void** given;
    ostinato_stages* stages;
    R **dq, **operand;  // by group: gradients of products, and what was multiplied, for the steps of the stretch
  };
  struct Staged {
    Group group;
    Grouped columns, left;  // transposes of its matrices; what was multiplied in a stretch, as a right side
    R *packed, *gathered;
  };

  ostinato_stages* take_stages(Block& block, int64_t rows) {
    ostinato_stages* stages = block.take<ostinato_stages>(1);
    const void** packed = block.take<const void*>(kernel_.groups);
    void** result = block.take<void*>(kernel_.groups);
    void** operand = block.take<void*>(kernel_.groups);
    void** dq = block.take<void*>(kernel_.groups);
    int64_t* group_row = block.take<int64_t>(kernel_.groups);
    for (int g = 0; g < kernel_.groups; ++g) {
      R* products = block.take<R>(rows * shape_.width);
      if (!stages) continue;
      packed[g] = groups_[g].packed, result[g] = products, group_row[g] = groups_[g].group.gate_row;
    }
    R* near = block.take<R>(kernel_.near * shape_.width);
    R* far = block.take<R>(rows * kernel_.far * shape_.width);
    R* sums = block.take<R>(rows * most(kernel_.sums, 1));
    if (stages) *stages = {packed, result, operand, dq, group_row, call_.shown, near, far, sums};
    return stages;
  }
  struct Member {
    const Team& team;
    const Buffers& with;
    Barrier& barrier;
    Part vectors, units;
    int number, thread;
  };

  void member(int thread) {
    pack(thread);
    const int which = thread / split_.members;
    Member me{teams_[which], buffers_[which], team_[which < kMostParts ? which : 0], {}, {}, thread % split_.members, thread};
    me.vectors = split_.alone ? Part{0, thread == 0 ? shape_.vectors : 0}
                              : part_of(shape_.vectors, me.number, split_.members, kGroup);
    me.units = {least(me.vectors.first * shape_.lanes, call_.hidden), least(me.vectors.last * shape_.lanes, call_.hidden)};
    begin(me);
    all_.wait();
    ostinato_backward step = prepared(me);
    const int64_t stretches = (split_.longest + stretch_ - 1) / stretch_;
    for (int64_t n = stretches - 1; n >= 0; --n) {
      const int64_t s0 = n * stretch_, s1 = least(s0 + stretch_, split_.longest);
      for (int64_t s = s1 - 1; s >= s0; --s) {
        if (me.vectors.last > 0) take_step(me, step, s, s0, s1);
        if (kernel_.dense && !split_.alone) me.barrier.wait();
      }
      finish_stretch(me, s0, s1, n == stretches - 1);
    }
    if (split_.longest == 0 && thread == 0) clear_weights();
    finish_start(me);
    finish_parameters(thread);
  }

  void pack(int thread) {
    const Part mine = part_of(shape_.panels, thread, split_.threads);
    const auto stacked = [&](const void* weights, int64_t depth) {
      return Rows<R>(weights, kernel_.gates, call_.hidden, depth);
    };
    if (rt_) pack_by_gate<R>(shape_, stacked(call_.r, call_.hidden), by_state_, mine.first, mine.last, rt_);
    if (wt_) pack_by_gate<R>(shape_, stacked(call_.w, call_.inputs), by_input_, mine.first, mine.last, wt_);
    for (int g = 0; g < kernel_.groups; ++g) {
      const Group& group = groups_[g].group;
      const Rows<R> rows(call_.matrices, kernel_.group_matrices + group.first, group.gates);
      const Part part = part_of(group.panels, thread, split_.threads);
      pack_by_gate<R>(group, rows, groups_[g].columns, part.first, part.last, groups_[g].packed);
    }
    if (thread > 0) return;
    pack_parameters(call_, shape_, parameters_);
    for (int n = 0; n < kernel_.parameters; ++n) named_[n] = parameters_ + n * shape_.width;
  }

  void begin(Member& me) {
    const int64_t steps = least(stretch_, most(split_.longest, 1));
    if (me.number == 0) {
      // Columns that no vector of units fills stay zero: they take part in the products.
      clear(me.with.dx, me.team.rows * steps * shape_.gate_row);
      if (me.with.du != me.with.dx) clear(me.with.du, me.team.rows * steps * shape_.gate_row);
      if (me.with.edge) clear(me.with.edge, me.team.rows * shape_.gate_row);
      for (int n = 0; n < kernel_.parameters; ++n) clear(static_cast<R*>(me.with.dparameters[n]), shape_.width);
      clear(me.with.dy, me.team.rows * shape_.width);
      for (int s = 0; s < kernel_.parts; ++s) clear(static_cast<R*>(me.with.carry[s]), me.team.rows * shape_.width);
      for (int n = 0; n < kernel_.given; ++n) clear(given(me, n, 0), me.team.rows * shape_.width);
      for (int g = 0; g < kernel_.groups; ++g) {
        clear(me.with.dq[g], me.team.rows * steps * groups_[g].group.gate_row);
        if (me.with.operand[g]) clear(me.with.operand[g], me.team.rows * steps * shape_.width);
        clear(static_cast<R*>(me.with.stages->result[g]), me.team.rows * shape_.width);
      }
    }
    const Part mine = part_of(me.team.rows, me.number, split_.members);
    for (int64_t i = mine.first; gradient_.dx && i < mine.last; ++i)
      for (int64_t t = me.team.length[i]; t < call_.steps; ++t)
        clear(static_cast<R*>(gradient_.dx) + me.team.order[i] * gradient_.dx_row + t * gradient_.dx_step, call_.inputs);
  }

  R* given(const Member& me, int n, int64_t i) const {
    return static_cast<R*>(const_cast<void*>(me.with.given[n])) + i * shape_.width;
  }

  // The columns of a part of the state that a member cares for: some units, or all of a cell in stages.
  Part columns(const Member& me, int part) const {
    return kernel_.staged ? Part{0, me.vectors.last > 0 ? width_of(call_, part) : 0} : me.units;
  }

  ostinato_backward prepared(const Member& me) const {
    ostinato_backward step{};
    step.product = products_;
    step.hidden = call_.hidden, step.first = me.vectors.first, step.last = me.vectors.last;
    step.width = shape_.width, step.gate_row = shape_.gate_row, step.depth = shape_.depth;
    step.rt = rt_;
    step.parameters = named_;
    step.dy = me.with.dy;
    step.carry = me.with.carry;
    step.dparameters = me.with.dparameters;
    step.scratch = scratch_ + me.thread * scratch_row_;
    step.given = me.with.given;
    step.stages = me.with.stages;
    return step;
  }

  void take_step(Member& me, ostinato_backward& step, int64_t s, int64_t s0, int64_t s1) {
    const Team& team = me.team;
    step.rows = team.active[s], step.later = team.active[s + 1];
    if (step.rows == 0) return;
    const int64_t at = team.offset[s] - team.offset[s0];
    const Part shown = columns(me, kernel_.output);
    for (int64_t i = 0; i < step.rows; ++i) {
      const int64_t row = team.order[i], length = team.length[i];
      if (gradient_.dy)
        copy(me.with.dy + i * shape_.width + shown.first,
             static_cast<const R*>(gradient_.dy) + row * gradient_.dy_row + time_of(call_, length, s) * gradient_.dy_step +
                 shown.first,
             shown.last - shown.first);
      for (int n = 0; n < kernel_.given; ++n)
        copy_given(call_, n, row, time_of(call_, length, s), me.units.first, me.units.last - me.units.first,
                   given(me, n, i) + me.units.first);
      // A row's last step: the way back begins with what the last state is held to.
      if (i < step.later || begins_anew(call_, row, length, length)) continue;
      for (int p = 0; p < kernel_.parts; ++p)
        if (gradient_.dend && gradient_.dend[p]) {
          const Part mine = columns(me, p);
          copy(static_cast<R*>(me.with.carry[p]) + i * shape_.width + mine.first,
               static_cast<const R*>(gradient_.dend[p]) + row * width_of(call_, p) + mine.first, mine.last - mine.first);
        }
    }
    for (int g = 0; g < kernel_.groups; ++g) {
      me.with.stages->dq[g] = me.with.dq[g] + at * groups_[g].group.gate_row;
      me.with.stages->operand[g] = me.with.operand[g] ? me.with.operand[g] + at * shape_.width : nullptr;
    }
    step.du_next = s + 1 < s1 ? me.with.du + (team.offset[s + 1] - team.offset[s0]) * shape_.gate_row : me.with.edge;
    step.dx = me.with.dx + at * shape_.gate_row;
    step.du = me.with.du + at * shape_.gate_row;
    const void** keep = keep_ + me.thread * zero_row_;
    for (int64_t i = 0; i < step.rows; ++i)
      keep[i] = static_cast<const R*>(call_.keep) + (team.begin[i] + s) * shape_.keep_row;
    step.keep = keep;
    step.zero_next = anew_flags(me, s + 1, step.later);
    kernel_.backward(&step);
  }

  const uint8_t* anew_flags(const Member& me, int64_t s, int64_t rows) {
    if (!call_.reset) return nullptr;
    uint8_t* zero = zero_ + me.thread * zero_row_;
    for (int64_t i = 0; i < rows; ++i) zero[i] = begins_anew(call_, me.team.order[i], me.team.length[i], s);
    return zero;
  }

  void finish_stretch(Member& me, int64_t s0, int64_t s1, bool first) {
    const Team& team = me.team;
    const int64_t rows = team.offset[s1] - team.offset[s0];
    me.barrier.wait();
    if (me.number == 0 && me.with.edge) copy(me.with.edge, me.with.du, team.active[s0] * shape_.gate_row);
    if (wt_) give_inputs(me, s0, s1, rows);
    if (!weights_wanted_) {
      me.barrier.wait();
      return;
    }
    int64_t before = 0, all = 0;
    for (int k = 0; k < split_.teams; ++k) {
      const int64_t count = teams_[k].offset[s1] - teams_[k].offset[s0];
      if (&teams_[k] == &team) before = all;
      all += count;
    }
    for (int64_t s = s0; s < s1; ++s) gather(me, s0, s, before + team.offset[s] - team.offset[s0]);
    all_.wait();
    add_weights(me.thread, s0, s1, all, first);
    add_matrices(me.thread, s0, s1, all, first);
    all_.wait();
  }

  // dx = W' d(W x) for the steps of the stretch.
  void give_inputs(Member& me, int64_t s0, int64_t s1, int64_t rows) {
    const Team& team = me.team;
    const Part mine = part_of(rows, me.number, split_.members);
    const int64_t row = (call_.inputs + shape_.lanes - 1) / shape_.lanes * shape_.lanes;
    for (int64_t group = 0; group < by_input_.groups(); ++group)
      products_[by_input_.vectors(group)](me.with.dx + mine.first * shape_.gate_row, shape_.gate_row, 1,
                                          mine.last - mine.first, wt_ + by_input_.begin(group) * shape_.depth,
                                          shape_.depth, nullptr, 0,
                                          me.with.dinput + mine.first * row + by_input_.begin(group), row);
    for (int64_t s = s0; s < s1; ++s)
      for (int64_t i = 0; i < team.active[s]; ++i) {
        const int64_t at = team.offset[s] - team.offset[s0] + i;
        if (at < mine.first || at >= mine.last) continue;
        copy(static_cast<R*>(gradient_.dx) + team.order[i] * gradient_.dx_row +
                 time_of(call_, team.length[i], s) * gradient_.dx_step,
             me.with.dinput + at * row, call_.inputs);
      }
  }

  // The inputs and the states before a step, as right sides of the products that make the gradients of W and R.
  void gather(Member& me, int64_t s0, int64_t s, int64_t at) {
    const Part mine = part_of(me.team.active[s], me.number, split_.members);
    for (int64_t i = mine.first; i < mine.last; ++i) {
      const int64_t row = me.team.order[i], length = me.team.length[i];
      if (inputs_)
        pack_row(x_, at + i,
                 static_cast<const R*>(call_.x) + row * call_.x_row + time_of(call_, length, s) * call_.x_step, inputs_);
      const R* before = s == 0 ? static_cast<const R*>(call_.start[kernel_.output]) + row * width_of(call_, kernel_.output)
                               : static_cast<const R*>(call_.y) + row * call_.y_row + time_of(call_, length, s - 1) * call_.y_step;
      if (begins_anew(call_, row, length, s)) before = nullptr;
      if (states_) pack_row(h_, at + i, before, states_);
      for (int g = 0; g < kernel_.groups; ++g) {
        if (!groups_[g].gathered) continue;
        const R* multiplied = me.with.operand[g] ? me.with.operand[g] + (me.team.offset[s] - me.team.offset[s0] + i) * shape_.width : before;
        pack_row(groups_[g].left, at + i, multiplied, groups_[g].gathered);
      }
    }
  }

  // One thread's share of the weights' gradients: some vectors of units of some gates.
  void add_weights(int thread, int64_t s0, int64_t s1, int64_t steps, bool first) {
    const Part mine = part_of(shape_.gates * shape_.vectors, thread, split_.threads);
    R* packed = packed_ + thread * steps_most_ * shape_.lanes;
    const bool by_u = kernel_.dense && !kernel_.same;
    for (int64_t n = mine.first; n < mine.last; ++n) {
      const int64_t gate = n / shape_.vectors, unit = n % shape_.vectors * shape_.lanes;
      const int64_t column = shape_.column(gate, unit), units = least(shape_.lanes, call_.hidden - unit);
      const int64_t row = gate * call_.hidden + unit;
      if (gradient_.dw || gradient_.db || (kernel_.dense && kernel_.same)) {
        pack_column([](const Buffers& with) { return with.dx; }, shape_.gate_row, s0, s1, column, packed);
        if (gradient_.dw) add_product(thread, packed, units, steps, x_, inputs_, row, first, static_cast<R*>(gradient_.dw));
        if (gradient_.db) add_sum(packed, units, steps, first, static_cast<R*>(gradient_.db) + row);
      }
      if (!kernel_.dense || (!gradient_.dr && !gradient_.dbr)) continue;
      if (by_u) pack_column([](const Buffers& with) { return with.du; }, shape_.gate_row, s0, s1, column, packed);
      if (gradient_.dr) add_product(thread, packed, units, steps, h_, states_, row, first, static_cast<R*>(gradient_.dr));
      if (gradient_.dbr) add_sum(packed, units, steps, first, static_cast<R*>(gradient_.dbr) + row);
    }
  }

  // The same for the matrices inside the step. One that stands in several groups gets the sum of their shares: all of
  // them are added by the same thread.
  void add_matrices(int thread, int64_t s0, int64_t s1, int64_t steps, bool first) {
    R* packed = packed_ + thread * steps_most_ * shape_.lanes;
    for (int g = 0; g < kernel_.groups; ++g) {
      const Staged& staged = groups_[g];
      const Group& group = staged.group;
      const int64_t vectors = (group.out + shape_.lanes - 1) / shape_.lanes;
      for (int64_t m = 0; staged.gathered && m < group.gates; ++m) {
        const int32_t matrix = kernel_.group_matrices[group.first + m];
        R* to = static_cast<R*>(gradient_.dmatrices[matrix]);
        if (!to) continue;
        bool fresh = first;
        for (int64_t n = 0; n < group.first; ++n) fresh &= kernel_.group_matrices[n] != matrix;
        const Part mine = part_of(vectors, (thread + matrix) % split_.threads, split_.threads);
        for (int64_t n = mine.first; n < mine.last; ++n) {
          pack_column([g](const Buffers& with) { return with.dq[g]; }, group.gate_row, s0, s1,
                      group.column(m, n * shape_.lanes), packed);
          add_product(thread, packed, least(shape_.lanes, group.out - n * shape_.lanes), steps, staged.left,
                      staged.gathered, n * shape_.lanes, fresh, to);
        }
      }
    }
  }

  template <class Which>
  void pack_column(Which which, int64_t row, int64_t s0, int64_t s1, int64_t column, R* packed) {
    for (int k = 0; k < split_.teams; ++k) {
      const int64_t count = teams_[k].offset[s1] - teams_[k].offset[s0];
      const R* from = which(buffers_[k]) + column;
      for (int64_t i = 0; i < count; ++i, packed += shape_.lanes)
        memcpy(packed, from + i * row, size_t(shape_.lanes) * sizeof(R));
    }
  }

  void add_product(int thread, const R* packed, int64_t units, int64_t steps, const Grouped& right, const R* from,
                   int64_t row, bool first, R* to) {
    R* scratch = scratch_ + thread * scratch_row_;
    for (int64_t group = 0; group < right.groups(); ++group) {
      const int64_t begin = right.begin(group), width = right.vectors(group) * shape_.lanes;
      R* target = to + row * right.columns + begin;
      const bool whole = begin + width <= right.columns;
      products_[right.vectors(group)](packed, 1, shape_.lanes, units, from + begin * right.depth, steps, nullptr,
                                      whole && !first, whole ? target : scratch, whole ? right.columns : width);
      if (whole) continue;
      for (int64_t u = 0; u < units; ++u)
        for (int64_t c = 0; c < right.columns - begin; ++c) {
          const R sum = scratch[u * width + c];
          R& place = target[u * right.columns + c];
          place = first ? sum : place + sum;
        }
    }
  }

  void add_sum(const R* packed, int64_t units, int64_t steps, bool first, R* to) {
    R sums[64] = {};
    for (int64_t i = 0; i < steps; ++i)
      for (int64_t u = 0; u < shape_.lanes; ++u) sums[u] += packed[i * shape_.lanes + u];
    for (int64_t u = 0; u < units; ++u) to[u] = first ? sums[u] : to[u] + sums[u];
  }

  void clear_weights() {
    const int64_t rows = shape_.gates * call_.hidden;
    if (gradient_.dw) clear(static_cast<R*>(gradient_.dw), rows * call_.inputs);
    if (gradient_.db) clear(static_cast<R*>(gradient_.db), rows);
    if (gradient_.dr) clear(static_cast<R*>(gradient_.dr), rows * call_.hidden);
    if (gradient_.dbr) clear(static_cast<R*>(gradient_.dbr), rows);
    for (int g = 0; g < kernel_.groups; ++g)
      for (int64_t m = 0; groups_[g].gathered && m < groups_[g].group.gates; ++m)
        if (void* to = gradient_.dmatrices[kernel_.group_matrices[groups_[g].group.first + m]])
          clear(static_cast<R*>(to), groups_[g].group.out * groups_[g].group.sums);
  }

  // The gradient of the initial state: what is carried before the first step, and R' du of that step.
  void finish_start(Member& me) {
    if (!gradient_.dstart) return;
    const Team& team = me.team;
    const int64_t rows = split_.longest > 0 ? team.active[0] : 0;
    R* sums = scratch_ + me.thread * scratch_row_;
    me.barrier.wait();
    if (kernel_.staged) return give_start(me, rows);
    for (int64_t w = me.vectors.first; w < me.vectors.last; w += kGroup) {
      const int64_t width = least(kGroup, me.vectors.last - w) * shape_.lanes, begin = w * shape_.lanes;
      const int64_t columns = least(width, call_.hidden - begin);
      if (kernel_.dense && rows > 0)
        products_[width / shape_.lanes](me.with.edge, shape_.gate_row, 1, rows, rt_ + begin * shape_.depth, shape_.depth,
                                        nullptr, 0, sums, width);
      for (int64_t i = 0; i < team.rows; ++i)
        for (int p = 0; p < kernel_.parts; ++p) {
          if (!gradient_.dstart[p]) continue;
          const int64_t row = team.order[i];
          R* to = static_cast<R*>(gradient_.dstart[p]) + row * call_.hidden + begin;
          if (i >= rows) {
            if (gradient_.dend && gradient_.dend[p]) {
              copy(to, static_cast<const R*>(gradient_.dend[p]) + row * call_.hidden + begin, columns);
            } else {
              clear(to, columns);
            }
          } else if (begins_anew(call_, row, team.length[i], 0)) {
            clear(to, columns);
          } else {
            copy(to, static_cast<R*>(me.with.carry[p]) + i * shape_.width + begin, columns);
            if (kernel_.dense && p == kernel_.output)
              for (int64_t c = 0; c < columns; ++c) to[c] += sums[i * width + c];
          }
        }
    }
  }

  // The same for a cell in stages: what is carried is all.
  void give_start(Member& me, int64_t rows) {
    for (int64_t i = 0; me.vectors.last > 0 && i < me.team.rows; ++i)
      for (int p = 0; p < kernel_.parts; ++p) {
        if (!gradient_.dstart[p]) continue;
        const int64_t row = me.team.order[i], width = width_of(call_, p);
        R* to = static_cast<R*>(gradient_.dstart[p]) + row * width;
        const R* end = gradient_.dend ? static_cast<const R*>(gradient_.dend[p]) : nullptr;
        if (i < rows ? begins_anew(call_, row, me.team.length[i], 0) : !end) {
          clear(to, width);
        } else {
          copy(to, i < rows ? static_cast<R*>(me.with.carry[p]) + i * shape_.width : end + row * width, width);
        }
      }
  }

  void finish_parameters(int thread) {
    all_.wait();
    if (thread > 0 || !gradient_.dparameters) return;
    for (int n = 0; n < kernel_.parameters; ++n) {
      R* to = static_cast<R*>(gradient_.dparameters[n]);
      if (!to) continue;
      clear(to, call_.hidden);
      for (int k = 0; k < split_.teams; ++k)
        for (int64_t u = 0; u < call_.hidden; ++u) to[u] += static_cast<R*>(buffers_[k].dparameters[n])[u];
    }
  }

  const ostinato_call& call_;
  const ostinato_gradient& gradient_;
  const ostinato_kernel& kernel_;
  Shape shape_;
  Split split_;
  const ostinato_product* products_;
  Team* teams_;
  Buffers* buffers_;
  Staged* groups_;
  Grouped by_state_, by_input_, x_, h_;
  R *rt_, *wt_, *parameters_, *inputs_, *states_, *scratch_, *packed_;
  const void** named_;
  uint8_t* zero_;
  const void** keep_;
  int64_t stretch_, steps_most_, scratch_row_, zero_row_, bytes_;
  bool weights_wanted_;
  Barrier all_, team_[kMostParts];
};

template <class R>
int32_t run(const ostinato_call& call, const ostinato_gradient& gradient) {
  const int64_t bytes = Backward<R>(call, gradient, Block(nullptr)).bytes();
  char* memory = borrow(bytes);
  if (!memory) return 1;
  const bool done = Backward<R>(call, gradient, Block(memory)).run();
  give_back(memory);
  if (done || call.threads <= 1) return done ? 0 : 1;
  // No thread could be started: the caller does it all.
  ostinato_call alone = call;
  alone.threads = 1;
  return run<R>(alone, gradient);
}

}  // namespace
}  // namespace ostinato

extern "C" int32_t ostinato_run_back(const ostinato_call* call, const ostinato_gradient* gradient) {
  return call->kernel->bytes == 4 ? ostinato::run<float>(*call, *gradient) : ostinato::run<double>(*call, *gradient);
}
