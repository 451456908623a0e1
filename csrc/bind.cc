// The Python door: the only file here that knows Python. Arrays come as addresses; whoever calls has checked them.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include "ostinato.h"

namespace nb = nanobind;

// bind_stream.cc
void bind_stream(nb::module_& m);

namespace {

struct Header {
  const char *name, *text;
};
constexpr Header kHeaders[] = {
#include "headers.inc"
};

// Addresses from a tuple of whole numbers; 0 stands for nothing.
class Addresses {
 public:
  explicit Addresses(const nb::tuple& from) : none_(from.size() == 0) {
    if (from.size() > kMost) throw std::invalid_argument("more arrays than the core can take");
    for (size_t i = 0; i < from.size(); ++i) all_[i] = reinterpret_cast<void*>(nb::cast<uintptr_t>(from[i]));
  }
  void** get() { return all_; }
  const void* const* read() const { return all_; }
  void** get_or_null() { return none_ ? nullptr : all_; }

 private:
  static constexpr size_t kMost = OSTINATO_MOST;
  void* all_[kMost] = {};
  bool none_;
};

template <class T>
T* at(uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

// The arguments of a call, in the order of ostinato_call.
struct Call : ostinato_call {
  Call(uintptr_t kernel_, int64_t rows_, int64_t steps_, int64_t inputs_, int64_t hidden_, uintptr_t x_, int64_t x_row_,
       int64_t x_step_, uintptr_t w_, uintptr_t b_, uintptr_t r_, uintptr_t br_, const nb::tuple& parameters_,
       const nb::tuple& matrices_, const nb::tuple& given_, const nb::tuple& strides_, int64_t shown_,
       const nb::tuple& start_, uintptr_t lengths_, uintptr_t reset_, bool reverse_, int threads_, uintptr_t y_,
       int64_t y_row_, int64_t y_step_, const nb::tuple& end_, uintptr_t keep_)
      : parameters_of(parameters_), matrices_of(matrices_), given_of(given_), start_of(start_), end_of(end_) {
    kernel = at<const ostinato_kernel>(kernel_);
    rows = rows_, steps = steps_, inputs = inputs_, hidden = hidden_;
    x = at<void>(x_), x_row = x_row_, x_step = x_step_;
    w = at<void>(w_), b = at<void>(b_), r = at<void>(r_), br = at<void>(br_);
    parameters = parameters_of.read(), start = start_of.read();
    matrices = matrices_of.read(), given = given_of.read(), shown = shown_;
    for (size_t i = 0; i < strides_.size(); ++i) strides_of[i] = nb::cast<int64_t>(strides_[i]);
    given_strides = strides_of;
    lengths = at<const int64_t>(lengths_), reset = at<const uint8_t>(reset_), reverse = reverse_;
    threads = threads_;
    y = at<void>(y_), y_row = y_row_, y_step = y_step_;
    end = end_of.get(), keep = at<void>(keep_);
    if (const char* reason = ostinato_refusal(this)) throw std::invalid_argument(reason);
  }
  Call(const Call&) = delete;
  Addresses parameters_of, matrices_of, given_of, start_of, end_of;
  int64_t strides_of[3 * OSTINATO_MOST];
};

void run(uintptr_t kernel, int64_t rows, int64_t steps, int64_t inputs, int64_t hidden, uintptr_t x, int64_t x_row,
         int64_t x_step, uintptr_t w, uintptr_t b, uintptr_t r, uintptr_t br, nb::tuple parameters, nb::tuple matrices,
         nb::tuple given, nb::tuple strides, int64_t shown, nb::tuple start, uintptr_t lengths, uintptr_t reset, bool reverse, int threads, uintptr_t y, int64_t y_row, int64_t y_step,
         nb::tuple end, uintptr_t keep) {
  const Call call(kernel, rows, steps, inputs, hidden, x, x_row, x_step, w, b, r, br, parameters, matrices,
                  given, strides, shown, start, lengths, reset, reverse, threads, y, y_row, y_step, end, keep);
  int32_t failed;
  {
    nb::gil_scoped_release free_python;
    failed = ostinato_run(&call);
  }
  if (failed) throw std::bad_alloc();
}

void run_back(uintptr_t kernel, int64_t rows, int64_t steps, int64_t inputs, int64_t hidden, uintptr_t x, int64_t x_row,
              int64_t x_step, uintptr_t w, uintptr_t b, uintptr_t r, uintptr_t br, nb::tuple parameters,
              nb::tuple matrices, nb::tuple given, nb::tuple strides, int64_t shown, nb::tuple start, uintptr_t lengths, uintptr_t reset, bool reverse, int threads, uintptr_t y, int64_t y_row, int64_t y_step,
              uintptr_t keep, uintptr_t dy, int64_t dy_row, int64_t dy_step, nb::tuple dend, uintptr_t dx, int64_t dx_row,
              int64_t dx_step, uintptr_t dw, uintptr_t db, uintptr_t dr, uintptr_t dbr, nb::tuple dparameters,
              nb::tuple dmatrices, nb::tuple dstart) {
  const Call call(kernel, rows, steps, inputs, hidden, x, x_row, x_step, w, b, r, br, parameters, matrices,
                  given, strides, shown, start, lengths, reset, reverse, threads, y, y_row, y_step, nb::tuple(), keep);
  Addresses ends(dend), named(dparameters), squares(dmatrices), starts(dstart);
  ostinato_gradient gradient{};
  gradient.dy = at<void>(dy), gradient.dy_row = dy_row, gradient.dy_step = dy_step;
  gradient.dend = ends.get_or_null();
  gradient.dx = at<void>(dx), gradient.dx_row = dx_row, gradient.dx_step = dx_step;
  gradient.dw = at<void>(dw), gradient.db = at<void>(db), gradient.dr = at<void>(dr), gradient.dbr = at<void>(dbr);
  gradient.dparameters = named.get_or_null(), gradient.dmatrices = squares.get_or_null(), gradient.dstart = starts.get_or_null();
  int32_t failed;
  {
    nb::gil_scoped_release free_python;
    failed = ostinato_run_back(&call, &gradient);
  }
  if (failed) throw std::bad_alloc();
}

int64_t keep_bytes(uintptr_t kernel, int64_t rows, int64_t steps, int64_t hidden, uintptr_t lengths) {
  ostinato_call call{};
  call.kernel = at<const ostinato_kernel>(kernel);
  call.rows = rows, call.steps = steps, call.hidden = hidden, call.lengths = at<const int64_t>(lengths);
  return ostinato_keep_bytes(&call);
}

// A compiled cell stays loaded: tensors that wait for their way back may need it at any time.
uintptr_t load_kernel(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::invalid_argument(dlerror());
  const auto plugin = reinterpret_cast<const ostinato_kernel* (*)()>(dlsym(library, "ostinato_plugin"));
  ostinato_call call{};
  call.kernel = plugin ? plugin() : nullptr;
  if (const char* reason = ostinato_refusal(&call)) {
    const std::string words = reason;
    dlclose(library);
    throw std::invalid_argument(words);
  }
  return reinterpret_cast<uintptr_t>(call.kernel);
}

nb::list words_of(const char* text) {
  nb::list words;
  std::string word;
  for (const char* c = text;; ++c) {
    if (*c && *c != ' ') {
      word += *c;
    } else if (!word.empty()) {
      words.append(word);
      word.clear();
    }
    if (!*c) return words;
  }
}

void tell_target(nb::module_ m) {
  const int32_t now = ostinato_target_now();
  m.attr("target") = ostinato_target_name(now);
  m.attr("target_flags") = words_of(ostinato_target_flags(now));
}

void choose_target(const std::string& name) {
  for (int32_t index = 0; index < ostinato_target_count(); ++index)
    if (name == ostinato_target_name(index)) {
      if (ostinato_target_choose(index)) return tell_target(nb::module_::import_("ostinato._core"));
      throw std::invalid_argument("this machine cannot run the CPU target '" + name + "'");
    }
  throw std::invalid_argument("the core was built without a CPU target '" + name + "'");
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The compiled core; ostinato.core loads it and checks that it belongs to the installed sources.";
  m.attr("source_digest") = ostinato_source_digest();
  m.attr("abi") = OSTINATO_ABI;

  nb::class_<ostinato_cell>(m, "Cell", "A cell as it was lowered when the core was built.")
      .def_ro("name", &ostinato_cell::name)
      .def_ro("gates", &ostinato_cell::gates)
      .def_ro("state", &ostinato_cell::state)
      .def_ro("recurrent", &ostinato_cell::recurrent)
      .def_ro("digest", &ostinato_cell::digest)
      .def_ro("operations", &ostinato_cell::operations)
      .def(
          "kernel",
          [](const ostinato_cell& cell, const std::string& type) {
            const int32_t bytes = type == "float32" ? 4 : type == "float64" ? 8 : 0;
            for (int32_t index = 0; index < ostinato_cell_count(); ++index)
              if (ostinato_cell_at(index) == &cell)
                return reinterpret_cast<uintptr_t>(ostinato_kernel_at(index, bytes));
            return uintptr_t(0);
          },
          "The address of its kernel for \"float32\" or \"float64\" and the CPU target in use; 0 if there is none.",
          nb::arg("dtype"));

  m.def(
      "cells",
      [] {
        nb::list cells;
        for (int32_t index = 0; index < ostinato_cell_count(); ++index)
          cells.append(nb::cast(ostinato_cell_at(index), nb::rv_policy::reference));
        return nb::tuple(cells);
      },
      "The cells that the core was built with, in the order of the registry.");
  m.def("load_kernel", &load_kernel, "The address of the kernel in a compiled cell's file; it stays loaded.", nb::arg("path"));
  m.def("keep_bytes", &keep_bytes, "The room that a way forward needs to make the way back possible.");
  m.def("run", &run, "One call of the primitive; the arguments are those of ostinato_call in its order.");
  m.def("run_back", &run_back, "The way back of one call: its arguments but for end, then those of ostinato_gradient.");
  m.def(
      "roof",
      [](int threads) {
        nb::gil_scoped_release free_python;
        return ostinato_roof(threads);
      },
      "Billions of operations per second that so many threads reach in a plain loop of multiply-adds.", nb::arg("threads"));

  m.def(
      "lend_openmp",
      [](uintptr_t parallel, uintptr_t number, uintptr_t count) {
        ostinato_lend_openmp(at<void>(parallel), at<void>(number), at<void>(count));
      },
      "Run on the threads of a loaded OpenMP runtime: GOMP_parallel, omp_get_thread_num and omp_get_num_threads.");
  m.def("own_threads", [] { ostinato_lend_threads(nullptr); }, "Run on the core's own threads again.");
  m.def("choose_target", &choose_target, "Use another CPU target from now on, for tests and measurements.", nb::arg("name"));

  bind_stream(m);

  nb::dict headers;
  for (const Header& header : kHeaders) headers[header.name] = header.text;
  // The texts of the headers that a user's cell is compiled with, by name.
  m.attr("headers") = headers;
  nb::list targets;
  for (int32_t index = 0; index < ostinato_target_count(); ++index)
    if (ostinato_target_runs(index)) targets.append(ostinato_target_name(index));
  // The CPU targets that were built and that this machine runs, the one in use, and what a compiler is told for it.
  m.attr("targets") = targets;
  tell_target(m);
}
