// The streaming runtime: programs of every kind against a plain loop, cut into any chunks; nothing is allocated, locked
// or slowed down in a step; and what is no program is refused.
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "allocations.h"
#include "stream_program.h"

using checking::allocations;
using checking::Dice;
using checking::Score;

namespace {

// Everything that a chunk of some steps is made of, and where its outputs go.
struct Chunk {
  Chunk(const Score& score, int64_t steps_, Dice& dice) : steps(steps_) {
    for (const int width : score.numbers_) {
      numbers.emplace_back(steps * width, 0);
      for (int64_t i = 0; i < steps * width; ++i) numbers.back().get()[i] = float(dice.number());
      widths.push_back(width);
    }
    for (const auto& of : score.ids_) {
      std::vector<int32_t> id;
      std::vector<int64_t> end;
      for (int64_t t = 0; t < steps; ++t) {
        for (int64_t n = of.many ? dice.below(4) : 1; n > 0; --n) id.push_back(int32_t(dice.below(of.count)));
        end.push_back(int64_t(id.size()));
      }
      ids.push_back(id), ends.push_back(end), many.push_back(of.many);
    }
    for (const int n : score.output_) {
      outputs.emplace_back();
      outputs.back().make(steps * score.width(n), 0);
      outputs.back().promise_all(steps * score.width(n));
      shown.push_back(score.width(n));
    }
  }

  // Steps first .. last - 1, the ids counted from the first.
  int32_t push(ostinato_stream* stream, int64_t first, int64_t last, ostinato_stream_fault* fault = nullptr) {
    std::vector<const float*> number;
    std::vector<const int32_t*> id;
    std::vector<const int64_t*> end;
    std::vector<float*> output;
    std::vector<std::vector<int64_t>> moved(ids.size());
    for (size_t i = 0; i < numbers.size(); ++i) number.push_back(numbers[i].get() + first * widths[i]);
    for (size_t i = 0; i < ids.size(); ++i) {
      const int64_t before = first ? ends[i][size_t(first - 1)] : 0;
      for (int64_t t = first; t < last; ++t) moved[i].push_back(ends[i][size_t(t)] - before);
      id.push_back(ids[i].data() + before), end.push_back(moved[i].data());
    }
    for (size_t i = 0; i < outputs.size(); ++i) output.push_back(outputs[i].get() + first * shown[i]);
    const ostinato_stream_chunk chunk = {0, last - first, number.data(), id.data(), end.data(), output.data()};
    const int64_t count = allocations;
    const int32_t wrong = ostinato_stream_push(stream, &chunk, fault);
    CHECK(allocations == count, "a push allocates %lld times", (long long)(allocations - count));
    return wrong;
  }

  void compare(const Score& score, uint64_t seed) {
    std::vector<Score::Row> state = score.start();
    for (int64_t t = 0; t < steps; ++t) {
      std::vector<Score::Row> x;
      std::vector<std::vector<int32_t>> now;
      for (size_t i = 0; i < numbers.size(); ++i)
        x.emplace_back(numbers[i].get() + t * widths[i], numbers[i].get() + (t + 1) * widths[i]);
      for (size_t i = 0; i < ids.size(); ++i)
        now.emplace_back(ids[i].begin() + (t ? ends[i][size_t(t - 1)] : 0), ids[i].begin() + ends[i][size_t(t)]);
      const Score::Row wanted = score.step(x, now, state);
      size_t at = 0;
      for (size_t i = 0; i < outputs.size(); ++i)
        for (int64_t k = 0; k < shown[i]; ++k, ++at) {
          const double found = double(outputs[i].get()[t * shown[i] + k]);
          CHECK(std::fabs(found - wanted[at]) <= 1e-5 * std::max(1.0, std::fabs(wanted[at])),
                "step %lld, output %d, number %lld: %g, not %g; seed %llu", (long long)t, int(i), (long long)k, found,
                wanted[at], (unsigned long long)seed);
        }
    }
    for (const auto& output : outputs) output.check_guards("an output");
  }

  int64_t steps;
  std::vector<checking::Given<float>> numbers;
  std::vector<int64_t> widths, shown;
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<int64_t>> ends;
  std::vector<int> many;
  std::vector<checking::Written<float>> outputs;
};

ostinato_stream_model* made(Score& score) {
  char why[OSTINATO_STREAM_WHY] = "";
  ostinato_stream_model* model = ostinato_stream_make(score.program(), why);
  CHECK(model, "%s", why);
  return model;
}

std::vector<float> state_of(const ostinato_stream* stream, const ostinato_stream_model* model) {
  std::vector<float> state(size_t(ostinato_stream_state_bytes(model) / 4));
  ostinato_stream_state(stream, state.data());
  return state;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// A program of every kind of value, whose numbers stay small whatever is combined.
Score any_score(uint64_t seed) {
  Dice dice(seed);
  Score score;
  const int wide = 1 + int(dice.below(40)), widths[] = {wide, 1 + int(dice.below(70)), 1};
  const auto width = [&] { return widths[dice.below(3)]; };
  std::vector<int> all, parts;
  for (int i = 0; i < 2; ++i) all.push_back(score.number(width()));
  for (int i = 0; i < 3; ++i) parts.push_back(score.state(width(), float(i) / 4));
  all.insert(all.end(), parts.begin(), parts.end());
  all.push_back(score.weight(width(), seed + 1)), all.push_back(score.constant(1));
  for (const bool many : {false, true}) {
    const int ids = score.ids(5, many), w = width();
    all.push_back(score.add(many ? OSTINATO_LOOKUP_MEAN : OSTINATO_LOOKUP_SUM, w, {}, ids,
                            score.matrix(5 + many, w, 1, seed + 2)));
    all.push_back(score.add(OSTINATO_COUNT, 1, {}, ids));
  }
  const auto any = [&] { return all[size_t(dice.below(int64_t(all.size())))]; };
  // One as wide as that, or a scalar.
  const auto like = [&](int that) {
    for (int round = 0; round < 8; ++round)
      if (const int n = any(); score.width(n) == 1 || score.width(that) == 1 || score.width(n) == score.width(that))
        return n;
    return that;
  };
  const auto squashed = [&](int n) { return score.of(OSTINATO_TANH, {n}); };
  while (score.values() < 90) {
    const int a = any(), b = like(a);
    switch (dice.below(10)) {
      case 0:
        all.push_back(squashed(score.product(a, width(), dice.next())));
        break;
      case 1: {
        // Gates: two products, cut and added, some used twice.
        const int part = 1 + int(dice.below(20)), n = 3 * part;
        const int one = score.product(a, n, dice.next(), dice.once_in(2) ? score.weight(n, dice.next()) : -1);
        const int two = score.product(any(), n, dice.next(),
                                      dice.once_in(3)   ? one
                                      : dice.once_in(2) ? score.weight(n, dice.next())
                                                        : -1);
        for (int k = 0; k < 3; ++k) {
          const int gate = score.of(OSTINATO_ADD, {score.slice(one, k * part, part), score.slice(two, k * part, part)});
          all.push_back(score.of(dice.once_in(2) ? OSTINATO_SIGMOID : OSTINATO_TANH, {gate}));
        }
        if (dice.once_in(3)) all.push_back(squashed(score.slice(one, part / 2, part + 1)));
        break;
      }
      case 2: {
        // A product that begins with a part of another.
        const int part = 1 + int(dice.below(20));
        const int one = score.product(a, 3 * part, dice.next(), score.weight(3 * part, dice.next()));
        const int two = score.product(any(), 2 * part, dice.next(), score.slice(one, part, 2 * part));
        all.push_back(squashed(score.slice(one, 0, part)));
        all.push_back(score.of(OSTINATO_SIGMOID, {score.slice(two, part, part)}));
        all.push_back(score.of(OSTINATO_SIGMOID, {dice.once_in(2) ? score.slice(two, 0, part) : two}));
        break;
      }
      case 3: {
        const int first = int(dice.below(score.width(a))), n = 1 + int(dice.below(score.width(a) - first));
        all.push_back(score.slice(a, first, n));
        break;
      }
      case 4: {
        const int c = any();
        all.push_back(score.add(OSTINATO_JOIN, score.width(a) + score.width(b) + score.width(c), {a, b, c}));
        break;
      }
      case 5: {
        const int kind = int(OSTINATO_ROW_SUM + dice.below(3));
        all.push_back(squashed(score.add(kind, 1, {a})));
        break;
      }
      case 6: {
        const int kinds[] = {OSTINATO_NEGATE,   OSTINATO_SIGMOID,  OSTINATO_TANH, OSTINATO_RELU,
                             OSTINATO_SOFTPLUS, OSTINATO_ABSOLUTE, OSTINATO_SIN,  OSTINATO_COS};
        all.push_back(squashed(score.of(kinds[dice.below(8)], {a})));
        break;
      }
      case 7: {
        const int safe = score.of(OSTINATO_ADD, {score.of(OSTINATO_ABSOLUTE, {b}), score.constant(0.5f)});
        all.push_back(squashed(score.of(OSTINATO_DIVIDE, {a, safe})));
        all.push_back(squashed(score.of(dice.once_in(2) ? OSTINATO_LOG : OSTINATO_SQRT, {safe})));
        all.push_back(squashed(score.of(OSTINATO_EXP, {squashed(a)})));
        break;
      }
      case 8: {
        // Blends and sums of products, which are made one instruction.
        const int gate = score.of(OSTINATO_SIGMOID, {a}), c = like(b),
                  rest = score.of(OSTINATO_SUBTRACT, {score.constant(1), gate});
        if (score.width(c) != score.width(a) && score.width(c) != 1 && score.width(a) != 1) break;
        const int left = score.of(OSTINATO_MULTIPLY, {dice.once_in(2) ? rest : gate, b}),
                  right = score.of(OSTINATO_MULTIPLY, {c, gate});
        const int sum = score.of(OSTINATO_ADD, {left, dice.once_in(3) ? c : right});
        all.push_back(dice.once_in(2) ? score.of(OSTINATO_SIGMOID, {sum}) : squashed(sum));
        if (dice.once_in(2)) all.push_back(score.of(OSTINATO_MULTIPLY, {squashed(b), gate}));
        break;
      }
      default: {
        const int kinds[] = {OSTINATO_ADD, OSTINATO_SUBTRACT, OSTINATO_MULTIPLY, OSTINATO_MAXIMUM, OSTINATO_MINIMUM};
        all.push_back(squashed(score.of(kinds[dice.below(5)], {a, b})));
        // Where rounding decides, float32 and float64 may differ; zeros and ones do not.
        const int asked = score.of(OSTINATO_LESS, {score.constant(dice.once_in(2) ? 2 : -2), squashed(a)});
        all.push_back(score.of(OSTINATO_SELECT, {asked, b, a}));
      }
    }
  }
  // Each part becomes anything of its width: another part, a cut of one, itself, the output.
  for (const int part : parts) {
    int next = part;
    for (int round = 0; round < 30; ++round)
      if (const int n = any(); score.width(n) == score.width(part)) next = n;
    score.after(part, squashed(next) * (dice.once_in(3) ? 1 : 0));
    if (score.parts_[size_t(score.value_[size_t(part)].label)].after == 0) score.after(part, next);
  }
  for (int i = 0; i < 6; ++i) score.show(i < 2 ? all.back() - i * 3 : any());
  for (const int part : parts)
    if (dice.once_in(2)) score.show(part);
  return score;
}

void any_program_is_its_plain_loop(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = uint64_t(round) + 1;
    Score score = any_score(seed);
    Dice dice(seed + 1000);
    ostinato_stream_model* model = made(score);
    if (!model) continue;
    ostinato_stream *whole = ostinato_stream_begin(model), *cut = ostinato_stream_begin(model);
    const int64_t steps = 6;
    Chunk all(score, steps, dice);
    Dice again(seed + 1000);
    Chunk some(score, steps, again);
    CHECK(all.push(whole, 0, steps) == OSTINATO_STREAM_FINE, "a chunk is refused");
    all.compare(score, seed);
    ostinato_stream* fork = nullptr;
    for (int64_t t = 0; t < steps;) {
      const int64_t next = std::min(steps, t + 1 + again.below(3));
      CHECK(some.push(cut, t, next) == OSTINATO_STREAM_FINE, "a chunk is refused");
      // Others go on where this one stands.
      ostinato_stream* other = ostinato_stream_fork(cut);
      if (again.once_in(2)) {
        const std::vector<float> state = state_of(cut, model);
        ostinato_stream_reset(other), ostinato_stream_set_state(other, state.data());
      }
      ostinato_stream_end(cut), ostinato_stream_end(fork);
      cut = other, fork = ostinato_stream_fork(other), t = next;
    }
    for (size_t i = 0; i < all.outputs.size(); ++i)
      CHECK(same_bits(all.outputs[i].all(), some.outputs[i].all()), "output %d has other bits in pieces, seed %d",
            int(i), round);
    CHECK(same_bits(state_of(whole, model), state_of(cut, model)), "the state has other bits in pieces, seed %d",
          round);
    CHECK(same_bits(state_of(fork, model), state_of(cut, model)), "a fork stands elsewhere, seed %d", round);
    ostinato_stream_reset(whole);
    Chunk anew(score, steps, dice = Dice(seed + 1000));
    anew.push(whole, 0, steps);
    CHECK(same_bits(anew.outputs[0].all(), all.outputs[0].all()), "a reset leaves something, seed %d", round);
    for (ostinato_stream* stream : {whole, cut, fork}) ostinato_stream_end(stream);
    ostinato_stream_drop(model);
  }
}

// The arithmetic of common cells takes few instructions: sums are folded into products, and chains into one.
void cells_become_few_instructions() {
  for (const int hidden : {1, 5, 16, 40})
    for (const bool long_memory : {false, true}) {
      Score score;
      const int x = score.number(hidden);
      score.show(long_memory ? checking::lstm(score, x, hidden, 3) : checking::gru(score, x, hidden, 3));
      ostinato_stream_model* model = made(score);
      CHECK(ostinato_stream_length(model) == (long_memory ? 6 : 5), "%d instructions", ostinato_stream_length(model));
      ostinato_stream* stream = ostinato_stream_begin(model);
      Dice dice(7);
      Chunk chunk(score, 20, dice);
      chunk.push(stream, 0, 20);
      chunk.compare(score, uint64_t(hidden));
      ostinato_stream_end(stream), ostinato_stream_drop(model);
    }
}

// A fading state becomes 0 before it becomes denormal, and the caller's own mode stays.
void nothing_becomes_denormal() {
  Score score;
  const int x = score.number(20), h = score.state(20);
  const int half = score.of(OSTINATO_MULTIPLY, {h, score.constant(0.5f)});
  const int y = score.of(OSTINATO_ADD, {half, x});
  score.after(h, y), score.show(y);
  ostinato_stream_model* model = made(score);
  ostinato_stream* stream = ostinato_stream_begin(model);
  Dice dice(1);
  Chunk chunk(score, 300, dice);
  // After one step of noise there are zeros alone.
  float* const given = chunk.numbers[0].get();
  CHECK(given, "no numbers");
  if (given) std::fill(given + 20, given + 300 * 20, 0.0f);
  chunk.push(stream, 0, 300);
  for (int t = 0; t < 300; ++t)
    for (int i = 0; i < 20; ++i) {
      const float value = chunk.outputs[0].get()[t * 20 + i];
      CHECK(value == 0 || std::fabs(value) >= 0x1p-126f, "%g at step %d", double(value), t);
    }
  CHECK(chunk.outputs[0].get()[299 * 20] == 0, "a state never fades");
  volatile float small = 0x1p-126f;
  CHECK(small / 2 != 0, "the caller's mode is changed");
  ostinato_stream_end(stream), ostinato_stream_drop(model);
}

void faults_keep_the_state() {
  Score score;
  const int x = score.number(3), h = score.state(3), many = score.ids(4, true), one = score.ids(4, false);
  const int looked = score.add(OSTINATO_LOOKUP_SUM, 3, {}, many, score.matrix(4, 3, 1, 1));
  const int other = score.add(OSTINATO_LOOKUP_SUM, 3, {}, one, score.matrix(4, 3, 1, 2));
  const int y = score.of(OSTINATO_ADD, {score.of(OSTINATO_ADD, {h, x}), score.of(OSTINATO_ADD, {looked, other})});
  score.after(h, y), score.show(y);
  ostinato_stream_model* model = made(score);
  ostinato_stream* stream = ostinato_stream_begin(model);
  Dice dice(4);
  Chunk chunk(score, 9, dice);
  CHECK(chunk.push(stream, 0, 9) == OSTINATO_STREAM_FINE, "a chunk is refused");
  const std::vector<float> before = state_of(stream, model);
  ostinato_stream_fault fault{};
  for (const float bad : {NAN, INFINITY, -INFINITY})
    for (const int at : {0, 13, 26}) {
      const float kept = chunk.numbers[0].get()[at];
      chunk.numbers[0].get()[at] = bad;
      CHECK(chunk.push(stream, 0, 9, &fault) == OSTINATO_STREAM_NOT_FINITE && fault.step == at / 3 &&
                fault.place == at % 3 && fault.input == 0,
            "step %lld, place %lld", (long long)fault.step, (long long)fault.place);
      chunk.numbers[0].get()[at] = kept;
    }
  for (const int32_t bad : {-1, 4, INT32_MIN, INT32_MAX}) {
    const int32_t kept = chunk.ids[1][8];
    chunk.ids[1][8] = bad;
    CHECK(chunk.push(stream, 0, 9, &fault) == OSTINATO_STREAM_NO_SUCH_ID && fault.step == 8 && fault.input == 1,
          "id %d", bad);
    chunk.ids[1][8] = kept;
  }
  const int64_t kept = chunk.ends[0][3], before_it = chunk.ends[0][2];
  chunk.ends[0][3] = -1;
  CHECK(chunk.push(stream, 0, 9, &fault) == OSTINATO_STREAM_ENDS && fault.step == 3 && fault.input == 0,
        "an end before its begin");
  chunk.ends[0][3] = kept;
  // Beyond the last end there are no ids to look at.
  chunk.ends[0][2] = int64_t(1) << 40;
  CHECK(chunk.push(stream, 0, 9, &fault) == OSTINATO_STREAM_ENDS && fault.step == 3, "an end beyond the last one");
  chunk.ends[0][2] = before_it;
  CHECK(same_bits(before, state_of(stream, model)), "a refused chunk changes the state");
  CHECK(chunk.push(stream, 0, 0) == OSTINATO_STREAM_FINE, "a chunk of no steps is refused");
  CHECK(same_bits(before, state_of(stream, model)), "a chunk of no steps changes the state");
  ostinato_stream_end(stream), ostinato_stream_drop(model);
}

// One number of a program is anything. It is refused with a reason, or it is a program still and runs.
void hostile_programs_are_refused(int rounds) {
  int refused = 0, ran = 0;
  Dice dice(5);
  for (int round = 0; round < rounds; ++round) {
    Score score = any_score(uint64_t(round) % 20 + 1);
    const int64_t extremes[] = {-1, 0, 1, INT32_MAX, INT32_MIN, score.values(), dice.below(200), dice.below(8)};
    const int32_t odd = int32_t(extremes[dice.below(8)]);
    ostinato_stream_value& value = score.value_[size_t(dice.below(score.values()))];
    switch (dice.below(10)) {
      case 0:
        value.kind = odd;
        break;
      case 1:
        value.width = odd;
        break;
      case 2:
        value.first = odd;
        break;
      case 3:
        value.count = odd;
        break;
      case 4:
        value.label = odd;
        break;
      case 5:
        value.other = odd;
        break;
      case 6:
        score.argument_[size_t(dice.below(int64_t(score.argument_.size())))] = odd;
        break;
      case 7:
        score.parts_[0].after = odd;
        break;
      case 8:
        score.output_[0] = odd;
        break;
      default:
        (dice.once_in(2) ? score.numbers_[0] : score.ids_[0].count) = odd;
    }
    char why[OSTINATO_STREAM_WHY] = "";
    ostinato_stream_model* model = ostinato_stream_make(score.program(), why);
    CHECK(!model == (why[0] != 0) && std::strlen(why) < OSTINATO_STREAM_WHY, "%s", why);
    if (!model) {
      ++refused;
      continue;
    }
    ++ran;
    if (ostinato_stream_bytes(model) < 1 << 22) {
      ostinato_stream* stream = ostinato_stream_begin(model);
      Chunk chunk(score, 2, dice);
      chunk.push(stream, 0, 2);
      ostinato_stream_end(stream);
    }
    ostinato_stream_drop(model);
  }
  CHECK(refused > rounds / 4 && ran > rounds / 20, "%d refused, %d ran", refused, ran);
}

// What would need far more memory than the program brings.
void too_large_is_refused() {
  char why[OSTINATO_STREAM_WHY];
  const auto refused = [&why](Score& score) {
    ostinato_stream_model* model = ostinato_stream_make(score.program(), why);
    ostinato_stream_drop(model);
    return !model && why[0];
  };
  Score wide;
  for (int i = 0; i < 10; ++i) wide.show(wide.number(1 << 23));
  CHECK(refused(wide), "ten inputs of megabytes");
  Score doubled;
  int joined = doubled.number(8);
  for (int i = 0; i < 30; ++i) joined = doubled.add(OSTINATO_JOIN, int(unsigned(8) << (i + 1)), {joined, joined});
  doubled.show(joined);
  CHECK(refused(doubled), "a join that doubles thirty times");
  Score many;
  const int x = many.number(4000), label = many.matrix(4000, 1, 1, 1);
  for (int i = 0; i < 60000; ++i) many.show(many.add(OSTINATO_PRODUCT, 1, {x, many.constant(float(i))}, label));
  CHECK(refused(many), "a matrix that is packed many times");
  Score empty;
  CHECK(refused(empty), "no value at all");
}

void kinds_have_names() {
  for (int32_t i = 0; i < OSTINATO_KINDS; ++i) {
    CHECK(ostinato_stream_kind(i)[0] != 0, "kind %d has no name", i);
    for (int32_t k = 0; k < i; ++k)
      CHECK(std::strcmp(ostinato_stream_kind(i), ostinato_stream_kind(k)), "%s is there twice",
            ostinato_stream_kind(i));
  }
  CHECK(!ostinato_stream_kind(-1) && !ostinato_stream_kind(OSTINATO_KINDS), "there are kinds beyond the last");
}

}  // namespace

int main() {
  count_allocations();
  const int64_t before = allocations;
  std::vector<int> some(size_t(before) % 7 + 1);
  CHECK(allocations > before && !some.empty(), "allocations are not seen");
  any_program_is_its_plain_loop(150);
  cells_become_few_instructions();
  nothing_becomes_denormal();
  faults_keep_the_state();
  hostile_programs_are_refused(1500);
  too_large_is_refused();
  kinds_have_names();
  return checking::outcome();
}
