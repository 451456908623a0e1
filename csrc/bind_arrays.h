// Arrays between Python and the core, without numpy's headers: whatever has a buffer comes in, numpy's arrays go out.
#ifndef OSTINATO_BIND_ARRAYS_H
#define OSTINATO_BIND_ARRAYS_H

#include <nanobind/nanobind.h>

#include <string>

namespace ostinato {

namespace nb = nanobind;

// An exception of ostinato.errors.
[[noreturn]] inline void raise(const char* name, const std::string& words) {
  const nb::object type = nb::module_::import_("ostinato.errors").attr(name);
  PyErr_SetString(type.ptr(), words.c_str());
  throw nb::python_error();
}

// The numbers of an object that has a buffer, as long as this lives.
template <class T>
class Array {
 public:
  Array(PyObject* from, bool write, const char* what) {
    if (PyObject_GetBuffer(from, &view_, (write ? PyBUF_WRITABLE : 0) | PyBUF_FORMAT | PyBUF_C_CONTIGUOUS) != 0) {
      PyErr_Clear();
      throw nb::type_error(
          (std::string(what) + " wanted a contiguous array" + (write ? " that can be written to" : "")).c_str());
    }
    if (!right() || reinterpret_cast<uintptr_t>(view_.buf) % alignof(T) != 0) {
      const std::string got = view_.format ? view_.format : "B";
      PyBuffer_Release(&view_);
      throw nb::type_error(
          (std::string(what) + " wanted numbers of the type " + kName + ", got the format '" + got + "'").c_str());
    }
  }
  // For vectors, which have the room before they are filled: a view may point into itself.
  Array(Array&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr, other.moved_ = true; }
  Array(const Array&) = delete;
  ~Array() {
    if (!moved_) PyBuffer_Release(&view_);
  }
  T* get() const { return static_cast<T*>(view_.buf); }
  int64_t size() const { return view_.len / int64_t(sizeof(T)); }
  int axes() const { return view_.ndim; }
  int64_t axis(int index) const { return view_.shape[index]; }

 private:
  static constexpr bool kFloat = T(0.5) != T(0);
  static constexpr const char* kName = kFloat ? "float32" : sizeof(T) == 4 ? "int32" : "int64";
  bool right() const {
    const char* f = view_.format ? view_.format : "B";
    if (*f == '@' || *f == '=' || *f == '<') ++f;
    const bool kind = kFloat ? *f == 'f' : *f == 'i' || *f == 'l' || *f == 'q';
    return kind && f[1] == 0 && view_.itemsize == sizeof(T);
  }
  Py_buffer view_;
  bool moved_ = false;
};

inline std::string shape_of(const Array<float>& array) {
  std::string words = "[";
  for (int i = 0; i < array.axes(); ++i) words += (i ? ", " : "") + std::to_string(array.axis(i));
  return words + "]";
}

// numpy.empty and float32, found once and kept as long as the interpreter runs.
struct Numpy {
  nb::handle empty, float32;
  Numpy() {
    const nb::object numpy = nb::module_::import_("numpy");
    empty = nb::object(numpy.attr("empty")).release();
    float32 = nb::object(numpy.attr("dtype")("float32")).release();
  }
};

// A new array of float32.
inline nb::object empty(nb::handle shape) {
  static const Numpy numpy;
  return numpy.empty(shape, numpy.float32);
}

// Where the numbers of such an array are, as long as somebody holds it: without the words about their type.
inline float* numbers_of(const nb::object& made) {
  Py_buffer view;
  if (PyObject_GetBuffer(made.ptr(), &view, PyBUF_WRITABLE) != 0) throw nb::python_error();
  float* const numbers = static_cast<float*>(view.buf);
  PyBuffer_Release(&view);
  return numbers;
}

}  // namespace ostinato

#endif
