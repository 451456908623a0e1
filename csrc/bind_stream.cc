// The Python door of the streaming runtime. Arrays come as buffers, and are checked here.
#include <nanobind/stl/string.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <vector>

#include "bind_arrays.h"
#include "ostinato_stream.h"

namespace nb = nanobind;
using namespace ostinato;

namespace {

// Below that much work other Python threads are not let in: handing over costs more.
constexpr int64_t kWorthReleasing = 20000;
// Ctrl-C is looked at that often.
constexpr int64_t kPatience = 50000000;

// A program's lists, and the model made of them.
class Model {
 public:
  Model(nb::handle values, nb::handle arguments, nb::handle numbers, nb::handle ids, nb::handle parts,
        nb::handle starts, nb::handle outputs, const nb::tuple& weights) {
    const Array<int32_t> value(values.ptr(), false, "values"), argument(arguments.ptr(), false, "arguments"),
        number(numbers.ptr(), false, "numbers"), id(ids.ptr(), false, "ids"), part(parts.ptr(), false, "parts"),
        output(outputs.ptr(), false, "outputs");
    const Array<float> start(starts.ptr(), false, "starts");
    if (value.size() % 6 || id.size() % 2 || part.size() != 2 * start.size())
      throw nb::value_error("a program's lists have the wrong lengths");
    std::vector<Array<float>> arrays;
    std::vector<ostinato_stream_weight> all;
    arrays.reserve(weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
      arrays.emplace_back(nb::handle(weights[i]).ptr(), false, "weights");
      if (arrays.back().axes() != 2) throw nb::value_error("a weight has rows and columns");
      all.push_back({arrays.back().axis(0), arrays.back().axis(1), arrays.back().get()});
    }
    std::vector<ostinato_stream_part> of;
    for (int64_t i = 0; i < start.size(); ++i) of.push_back({part.get()[2 * i], part.get()[2 * i + 1], start.get()[i]});
    for (const int64_t size :
         {value.size(), argument.size(), number.size(), id.size(), start.size(), output.size(), int64_t(all.size())})
      if (size > INT32_MAX) throw nb::value_error("a program's lists are too long");
    // A value is six numbers, ids are two, one after another.
    static_assert(sizeof(ostinato_stream_value) == 24 && sizeof(ostinato_stream_ids) == 8, "no gaps");
    const ostinato_stream_program program = {int32_t(value.size() / 6),
                                             int32_t(argument.size()),
                                             int32_t(number.size()),
                                             int32_t(id.size() / 2),
                                             int32_t(of.size()),
                                             int32_t(output.size()),
                                             int32_t(all.size()),
                                             reinterpret_cast<const ostinato_stream_value*>(value.get()),
                                             argument.get(),
                                             number.get(),
                                             reinterpret_cast<const ostinato_stream_ids*>(id.get()),
                                             of.data(),
                                             output.get(),
                                             all.data()};
    char why[OSTINATO_STREAM_WHY];
    model = ostinato_stream_make(&program, why);
    if (!model) raise("StreamError", std::string("the program cannot run: ") + why);
    for (int32_t i = 0; i < ostinato_stream_outputs(model); ++i)
      shape.push_back(nb::steal(PyTuple_Pack(1, nb::int_(ostinato_stream_output_width(model, i)).ptr())));
  }
  Model(const Model&) = delete;
  ~Model() { ostinato_stream_drop(model); }

  ostinato_stream_model* model = nullptr;
  std::vector<nb::object> shape;  // of an output of one step
};

// The order of the members: the stream ends before the model goes.
class Stream {
 public:
  explicit Stream(nb::object of) : owner_(std::move(of)), model_(nb::cast<Model&>(owner_)) {
    hold(ostinato_stream_begin(model_.model));
  }
  Stream(nb::object of, ostinato_stream* stream) : owner_(std::move(of)), model_(nb::cast<Model&>(owner_)) {
    hold(stream);
  }
  Stream(const Stream&) = delete;
  ~Stream() { ostinato_stream_end(stream_); }

  nb::object push(nb::handle x, nb::handle out) {
    const Taken taken(*this);
    if (!simple_) throw nb::type_error("this model wants several inputs or ids; push its parts");
    const Array<float> from(x.ptr(), false, "push");
    const bool one = from.axes() == 1;
    if ((!one && from.axes() != 2) || from.axis(one ? 0 : 1) != inputs_)
      raise("ShapeError", "push wanted x of [" + std::to_string(inputs_) + "] or [T, " + std::to_string(inputs_) +
                              "], got " + shape_of(from) + "; the model takes " + std::to_string(inputs_) +
                              " numbers in each step");
    const int64_t steps = one ? 1 : from.axis(0);
    const float* const numbers = from.get();
    if (out.is_none()) {
      nb::object y = result(0, one ? -1 : steps);
      float* const answers = numbers_of(y);
      run({0, steps, &numbers, nullptr, nullptr, &answers});
      return y;
    }
    const Array<float> to(out.ptr(), true, "out");
    if (to.axes() != from.axes() || to.axis(to.axes() - 1) != outputs_ || to.size() != steps * outputs_)
      raise("ShapeError", "push wanted out of " + (one ? "[" : "[" + std::to_string(steps) + ", ") +
                              std::to_string(outputs_) + "], got " + shape_of(to) +
                              "; leave it out to get a new array");
    float* const answers = to.get();
    run({0, steps, &numbers, nullptr, nullptr, &answers});
    return nb::borrow(out);
  }

  nb::tuple push_parts(int64_t steps, const nb::tuple& numbers, const nb::tuple& ids, const nb::tuple& ends) {
    const Taken taken(*this);
    const size_t number_count = size_t(ostinato_stream_numbers(model_.model)),
                 id_count = size_t(ostinato_stream_id_inputs(model_.model));
    if (steps < 0 || numbers.size() != number_count || ids.size() != id_count || ends.size() != id_count)
      raise("ShapeError", "push_parts wanted " + std::to_string(number_count) + " arrays of numbers and " +
                              std::to_string(id_count) + " of ids with their ends, got " +
                              std::to_string(numbers.size()) + ", " + std::to_string(ids.size()) + " and " +
                              std::to_string(ends.size()));
    std::vector<Array<float>> number;
    std::vector<Array<int32_t>> id;
    std::vector<Array<int64_t>> end;
    number.reserve(number_count), id.reserve(id_count), end.reserve(id_count);
    std::vector<const float*> from(number_count);
    std::vector<const int32_t*> from_id(id_count);
    std::vector<const int64_t*> from_end(id_count);
    for (size_t i = 0; i < number_count; ++i) {
      number.emplace_back(nb::handle(numbers[i]).ptr(), false, "push_parts");
      const int64_t width = ostinato_stream_number_width(model_.model, int32_t(i));
      if (number[i].axes() != 2 || number[i].axis(0) != steps || number[i].axis(1) != width)
        raise("ShapeError", "input " + std::to_string(i) + " wanted [" + std::to_string(steps) + ", " +
                                std::to_string(width) + "], got " + shape_of(number[i]));
      from[i] = number[i].get();
    }
    for (size_t i = 0; i < id_count; ++i) {
      id.emplace_back(nb::handle(ids[i]).ptr(), false, "push_parts");
      int64_t count = steps;
      if (ostinato_stream_many(model_.model, int32_t(i))) {
        end.emplace_back(nb::handle(ends[i]).ptr(), false, "push_parts");
        if (end.back().size() != steps)
          raise("ShapeError", "ids " + std::to_string(i) + " wanted an end for each step");
        from_end[i] = end.back().get(), count = steps ? from_end[i][steps - 1] : 0;
      }
      if (id[i].size() != count)
        raise("ShapeError", "ids " + std::to_string(i) + " wanted " + std::to_string(count) + " ids, got " +
                                std::to_string(id[i].size()));
      from_id[i] = id[i].get();
    }
    nb::list all;
    std::vector<float*> to;
    for (int32_t i = 0; i < ostinato_stream_outputs(model_.model); ++i) {
      const nb::object made = result(i, steps);
      all.append(made);
      to.push_back(numbers_of(made));
    }
    run({0, steps, from.data(), from_id.data(), from_end.data(), to.data()});
    return nb::tuple(all);
  }

  nb::bytes state() {
    const Taken taken(*this);
    std::vector<float> all(size_t(state_bytes()) / sizeof(float) + 1);
    ostinato_stream_state(stream_, all.data());
    return nb::bytes(all.data(), size_t(state_bytes()));
  }
  void set_state(const nb::bytes& from) {
    const Taken taken(*this);
    if (int64_t(from.size()) != state_bytes())
      raise("StreamError", "set_state wanted " + std::to_string(state_bytes()) + " bytes, got " +
                               std::to_string(from.size()) +
                               "; give it what state() of a stream of the same model returned");
    std::vector<float> all(from.size() / sizeof(float) + 1);
    std::memcpy(all.data(), from.c_str(), from.size());
    ostinato_stream_set_state(stream_, all.data());
  }
  void reset() {
    const Taken taken(*this);
    ostinato_stream_reset(stream_);
  }
  Stream* fork() {
    const Taken taken(*this);
    return new Stream(owner_, ostinato_stream_fork(stream_));
  }
  nb::object model() { return owner_; }
  int64_t state_bytes() const { return ostinato_stream_state_bytes(model_.model); }

  // The rows of x in turn, one push each, on a copy of the stream.
  double time(nb::handle x, int64_t count) {
    const Taken taken(*this);
    if (!simple_) throw nb::type_error("this model wants several inputs or ids; only one input can be timed");
    const Array<float> from(x.ptr(), false, "time");
    if (from.axes() != 2 || from.axis(1) != inputs_ || from.axis(0) < 1 || count < 1)
      raise("ShapeError", "time wanted x of [T, " + std::to_string(inputs_) + "] with T >= 1 and n >= 1, got " +
                              shape_of(from) + " and " + std::to_string(count));
    ostinato_stream* copy = ostinato_stream_fork(stream_);
    if (!copy) throw std::bad_alloc();
    std::vector<float> y(size_t(outputs_), 0.0f);
    float* const to = y.data();
    const int64_t rows = from.axis(0);
    int32_t wrong = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0, row = 0; i < count; ++i) {
      const float* const number = from.get() + row * inputs_;
      const ostinato_stream_chunk chunk = {0, 1, &number, nullptr, nullptr, &to};
      wrong |= ostinato_stream_push(copy, &chunk, nullptr);
      if (++row == rows) row = 0;
    }
    const std::chrono::duration<double, std::nano> taken_time = std::chrono::steady_clock::now() - begin;
    ostinato_stream_end(copy);
    if (wrong) raise("DataError", "time wanted finite numbers");
    return taken_time.count() / double(count);
  }

 private:
  // One thread at a time has the stream.
  class Taken {
   public:
    explicit Taken(Stream& stream) : busy_(stream.busy_) {
      if (busy_.exchange(true, std::memory_order_acquire))
        raise("StreamError", "two threads use one stream at once; give each thread a stream of its own (fork)");
    }
    Taken(const Taken&) = delete;
    ~Taken() { busy_.store(false, std::memory_order_release); }

   private:
    std::atomic<bool>& busy_;
  };

  void hold(ostinato_stream* stream) {
    if (!stream) throw std::bad_alloc();
    stream_ = stream;
    const ostinato_stream_model* model = model_.model;
    simple_ = ostinato_stream_numbers(model) == 1 && ostinato_stream_id_inputs(model) == 0 &&
              ostinato_stream_outputs(model) == 1;
    inputs_ = ostinato_stream_number_width(model, 0), outputs_ = ostinato_stream_output_width(model, 0);
    cost_ = ostinato_stream_nanoseconds(model) + 1;
  }

  // A new array for an output: [width], or [steps, width].
  nb::object result(int32_t index, int64_t steps) const {
    if (steps < 0) return empty(model_.shape[size_t(index)]);
    const nb::object shape =
        nb::steal(Py_BuildValue("(LL)", static_cast<long long>(steps),
                                static_cast<long long>(ostinato_stream_output_width(model_.model, index))));
    if (!shape.is_valid()) throw nb::python_error();
    return empty(shape);
  }

  void run(ostinato_stream_chunk chunk) {
    ostinato_stream_fault fault{};
    if (chunk.steps < kWorthReleasing / cost_) {
      if (ostinato_stream_push(stream_, &chunk, &fault)) refuse(fault);
      return;
    }
    run_long(chunk);
  }

  // Other threads run meanwhile. A chunk that takes long is run in parts, and after Ctrl-C between two of them the
  // state is what it was before the chunk.
  void run_long(ostinato_stream_chunk chunk) {
    const int64_t steps = chunk.steps, most = kPatience / cost_ + 1;
    std::vector<float> before;
    if (steps > most) {
      before.resize(size_t(state_bytes()) / sizeof(float) + 1);
      ostinato_stream_state(stream_, before.data());
    }
    ostinato_stream_fault fault{};
    {
      nb::gil_scoped_release free_python;
      ostinato_stream_check(model_.model, &chunk, &fault);
    }
    if (fault.kind) refuse(fault);
    for (; chunk.first < steps; chunk.first = chunk.steps) {
      if (chunk.first > 0 && PyErr_CheckSignals() != 0) {
        ostinato_stream_set_state(stream_, before.data());
        throw nb::python_error();
      }
      chunk.steps = steps - chunk.first < most ? steps : chunk.first + most;
      nb::gil_scoped_release free_python;
      ostinato_stream_run(stream_, &chunk);
    }
  }

  [[noreturn]] static void refuse(const ostinato_stream_fault& fault) {
    const std::string step = std::to_string(fault.step), place = std::to_string(fault.place),
                      input = std::to_string(fault.input);
    if (fault.kind == OSTINATO_STREAM_NOT_FINITE)
      raise("DataError", "push wanted finite numbers, got NaN or infinity in row " + step + ", column " + place +
                             " of input " + input + "; nothing of the chunk was run and the state is kept");
    if (fault.kind == OSTINATO_STREAM_NO_SUCH_ID)
      raise("DataError", "push wanted ids of the model's table, got another one in step " + step + ", place " + place +
                             " of ids " + input + "; nothing of the chunk was run and the state is kept");
    raise("DataError", "push wanted ends of ids that never fall, got a smaller one in step " + step + " of ids " +
                           input + "; nothing of the chunk was run and the state is kept");
  }

  nb::object owner_;
  Model& model_;
  ostinato_stream* stream_ = nullptr;
  std::atomic<bool> busy_{false};
  bool simple_ = false;
  int64_t inputs_ = 0, outputs_ = 0, cost_ = 1;
};

}  // namespace

void bind_stream(nb::module_& m) {
  nb::list kinds;
  for (int32_t kind = 0; kind < OSTINATO_KINDS; ++kind) kinds.append(ostinato_stream_kind(kind));
  // The kinds of a program's values; the place of each is its number.
  m.attr("stream_kinds") = nb::tuple(kinds);
  nb::class_<Model>(m, "StreamModel", "A program, packed for the CPU target in use and shared by its streams.")
      .def(nb::init<nb::handle, nb::handle, nb::handle, nb::handle, nb::handle, nb::handle, nb::handle,
                    const nb::tuple&>(),
           nb::arg("values"), nb::arg("arguments"), nb::arg("numbers"), nb::arg("ids"), nb::arg("parts"),
           nb::arg("starts"), nb::arg("outputs"), nb::arg("weights"))
      .def_prop_ro("weight_bytes", [](const Model& one) { return ostinato_stream_weight_bytes(one.model); })
      .def_prop_ro("state_bytes", [](const Model& one) { return ostinato_stream_state_bytes(one.model); })
      .def_prop_ro("stream_bytes", [](const Model& one) { return ostinato_stream_bytes(one.model); })
      .def_prop_ro("length", [](const Model& one) { return ostinato_stream_length(one.model); });
  nb::class_<Stream>(m, "Stream", "A model and its state, one step after another.")
      .def(
          "__init__", [](Stream* self, nb::handle_t<Model> of) { new (self) Stream(nb::borrow(of)); }, nb::arg("model"))
      .def("push", &Stream::push, "One step [D], or a chunk [T, D], of float32; the outputs, new or in `out`.",
           nb::arg("x").none(), nb::arg("out").none() = nb::none())
      .def("push_parts", &Stream::push_parts, "A chunk of a model with several inputs or ids.", nb::arg("steps"),
           nb::arg("numbers"), nb::arg("ids"), nb::arg("ends"))
      .def("state", &Stream::state, "All parts of the state, float32, in their order.")
      .def("set_state", &Stream::set_state, "Go on from what state() returned.", nb::arg("state"))
      .def("reset", &Stream::reset, "Go back to the start of a sequence.")
      .def("fork", &Stream::fork, "Another stream that stands where this one stands.", nb::rv_policy::take_ownership)
      .def("time", &Stream::time, "Nanoseconds for each of n steps, pushed one by one from C++, on a copy.",
           nb::arg("x"), nb::arg("n"))
      .def_prop_ro("model", &Stream::model)
      .def_prop_ro("state_bytes", &Stream::state_bytes)
      .def_prop_ro("weight_bytes",
                   [](Stream& one) { return ostinato_stream_weight_bytes(nb::cast<Model&>(one.model()).model); });
}
