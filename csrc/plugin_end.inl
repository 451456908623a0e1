// The second half of a compiled cell: its kernel, for the core that loads it.

template <class R>
struct vector_of {
  typedef f32 type;
};
template <>
struct vector_of<double> {
  typedef f64 type;
};
typedef vector_of<OSTINATO_REAL>::type real_vector;

}  // namespace OSTINATO_NAMESPACE

extern "C" __attribute__((visibility("default"))) const ostinato_kernel* ostinato_plugin(void) {
  return &OSTINATO_NAMESPACE::kernel_of<OSTINATO_NAMESPACE::real_vector, OSTINATO_NAMESPACE::OSTINATO_CELL>;
}
