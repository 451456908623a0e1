// Steps in stages, as ostinato.lowering.cpp_cell writes them.

// f, raw = sigmoid(x.a + u.a), x.b + u.b
// mean = row_mean(raw)
// centred = raw - mean
// inner = f * (p.gain * (centred / sqrt(row_mean(centred * centred) + 0.125)) + e.e)
// h = f * s.h + (1 - f) * tanh(product(inner, p.M) + mean)
struct normed {
  static constexpr int G = 2;
  static constexpr int S = 1;
  static constexpr int OUTPUT = 0;
  static constexpr int P = 1;
  static constexpr int E = 1;
  static constexpr int KEEP = 4;
  static constexpr bool STAGED = true;
  static constexpr bool DENSE = false;
  static constexpr bool SAME = true;
  static constexpr int NEAR = 2;
  static constexpr int FAR = 3;
  static constexpr int SUMS = 1;
  static constexpr int KEEP_ROWS = 1;
  static constexpr int MATRICES = 3;
  static constexpr int GROUPS = 2;
  static constexpr int PROJECTED = -1;
  static constexpr int32_t GROUP_SIZE[] = {2, 1};
  static constexpr int32_t GROUP_SHOWN[] = {1, 0};
  static constexpr int32_t GROUP_MATRICES[] = {0, 1, 2};
  static constexpr int FORWARD_PHASES = 2;
  static constexpr int32_t FORWARD_AFTER[] = {-1, 0};
  static constexpr int INFER_PHASES = 2;
  static constexpr int32_t INFER_AFTER[] = {-1, 0};
  static constexpr int BACKWARD_PHASES = 3;
  static constexpr int32_t BACKWARD_AFTER[] = {1, 0};
  template <class V>
  static OSTINATO_INLINE void forward(int phase, const row_of<V>& r) {
    constexpr int64_t L = kLanes<V>;
    if (phase == 0) {
      V a12 = constant<V>(0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v2 = load<V>(r.state[0] + w * L);
        const V v8 = load<V>(r.x + place<V, G>(1, w));
        const V v10 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(1, w));
        const V v11 = v8 + v10;
        a12 = a12 + r.inside(w, v11);
        store(r.keep + (w * KEEP + 0) * L, v2);
      }
      const V n12 = total(a12) * r.share;
      r.sums[0] = n12[0];
      V a16 = constant<V>(0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v8 = load<V>(r.x + place<V, G>(1, w));
        const V v10 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(1, w));
        const V v11 = v8 + v10;
        const V v13 = v11 - n12;
        const V v15 = v13 * v13;
        a16 = a16 + r.inside(w, v15);
        store(r.keep + (w * KEEP + 2) * L, v13);
      }
      const V n16 = total(a16) * r.share;
      const V n14 = constant<V>(0x1.0000000000000p-3);
      const V n17 = n14 + n16;
      const V n18 = sqrt(n17);
      r.keep_row[0] = n18[0];
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v1 = load<V>(r.x + place<V, G>(0, w));
        const V v4 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(0, w));
        const V v13 = load<V>(r.keep + (w * KEEP + 2) * L);
        const V v20 = load<V>(r.parameter[0] + w * L);
        const V v22 = load<V>(r.given[0] + w * L);
        const V v5 = v1 + v4;
        const V v6 = sigmoid(v5);
        const V v19 = v13 / n18;
        const V v21 = v19 * v20;
        const V v23 = v21 + v22;
        const V v24 = v6 * v23;
        store(r.operand[1] + w * L, r.inside(w, v24));
        store(r.keep + (w * KEEP + 1) * L, v6);
      }
    }
    if (phase == 1) {
      const V n12 = broadcast<V>(r.sums + 0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v0 = constant<V>(0x1.0000000000000p+0);
        const V v2 = load<V>(r.state[0] + w * L);
        const V v6 = load<V>(r.keep + (w * KEEP + 1) * L);
        const V v26 = load<V>(r.result[1] + place<V, GROUP_SIZE[1]>(0, w));
        const V v7 = v0 - v6;
        const V v27 = v26 + n12;
        const V v28 = tanh(v27);
        const V v29 = v7 * v28;
        const V v30 = v6 * v2;
        const V v31 = v29 + v30;
        store(r.out[0] + w * L, v31);
        store(r.keep + (w * KEEP + 3) * L, v28);
      }
    }
  }
  template <class V>
  static OSTINATO_INLINE void infer(int phase, const row_of<V>& r) {
    constexpr int64_t L = kLanes<V>;
    if (phase == 0) {
      V a12 = constant<V>(0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v8 = load<V>(r.x + place<V, G>(1, w));
        const V v10 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(1, w));
        const V v11 = v8 + v10;
        a12 = a12 + r.inside(w, v11);
      }
      const V n12 = total(a12) * r.share;
      r.sums[0] = n12[0];
      V a16 = constant<V>(0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v8 = load<V>(r.x + place<V, G>(1, w));
        const V v10 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(1, w));
        const V v11 = v8 + v10;
        const V v13 = v11 - n12;
        const V v15 = v13 * v13;
        a16 = a16 + r.inside(w, v15);
        store(r.near + 0 * r.width + w * L, v13);
      }
      const V n16 = total(a16) * r.share;
      const V n14 = constant<V>(0x1.0000000000000p-3);
      const V n17 = n14 + n16;
      const V n18 = sqrt(n17);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v1 = load<V>(r.x + place<V, G>(0, w));
        const V v4 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(0, w));
        const V v13 = load<V>(r.near + 0 * r.width + w * L);
        const V v20 = load<V>(r.parameter[0] + w * L);
        const V v22 = load<V>(r.given[0] + w * L);
        const V v5 = v1 + v4;
        const V v6 = sigmoid(v5);
        const V v19 = v13 / n18;
        const V v21 = v19 * v20;
        const V v23 = v21 + v22;
        const V v24 = v6 * v23;
        store(r.far + 0 * r.width + w * L, v6);
        store(r.operand[1] + w * L, r.inside(w, v24));
      }
    }
    if (phase == 1) {
      const V n12 = broadcast<V>(r.sums + 0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v0 = constant<V>(0x1.0000000000000p+0);
        const V v2 = load<V>(r.state[0] + w * L);
        const V v6 = load<V>(r.far + 0 * r.width + w * L);
        const V v26 = load<V>(r.result[1] + place<V, GROUP_SIZE[1]>(0, w));
        const V v7 = v0 - v6;
        const V v27 = v26 + n12;
        const V v28 = tanh(v27);
        const V v29 = v7 * v28;
        const V v30 = v6 * v2;
        const V v31 = v29 + v30;
        store(r.out[0] + w * L, v31);
      }
    }
  }
  template <class V>
  static OSTINATO_INLINE void backward(int phase, const row_of<V>& r) {
    constexpr int64_t L = kLanes<V>;
    if (phase == 0) {
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v7 = load<V>(r.gradient[0] + w * L);
        const V v8 = constant<V>(0x1.0000000000000p+0);
        const V v9 = load<V>(r.keep + (w * KEEP + 1) * L);
        const V v12 = load<V>(r.keep + (w * KEEP + 3) * L);
        const V v10 = v8 - v9;
        const V v11 = v7 * v10;
        const V v13 = v12 * v12;
        const V v14 = v8 - v13;
        const V v15 = v11 * v14;
        store(r.far + 0 * r.width + w * L, v15);
        store(r.dq[1] + place<V, GROUP_SIZE[1]>(0, w), r.inside(w, v15));
      }
    }
    if (phase == 1) {
      const V n2 = broadcast<V>(r.keep_row + 0);
      V a33 = constant<V>(0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v0 = load<V>(r.parameter[0] + w * L);
        const V v1 = load<V>(r.keep + (w * KEEP + 2) * L);
        const V v9 = load<V>(r.keep + (w * KEEP + 1) * L);
        const V v17 = load<V>(r.result[1] + w * L);
        const V v29 = constant<V>(-0x1.0000000000000p-1);
        const V v3 = v1 / n2;
        const V v26 = v17 * v9;
        const V v27 = v0 * v26;
        const V v28 = v27 / n2;
        const V v30 = v28 * v3;
        const V v31 = v29 * v30;
        const V v32 = v31 / n2;
        a33 = a33 + r.inside(w, v32);
        store(r.near + 0 * r.width + w * L, v28);
        store(r.far + 1 * r.width + w * L, v3);
      }
      const V n33 = total(a33) * r.share;
      V a38 = constant<V>(0);
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v1 = load<V>(r.keep + (w * KEEP + 2) * L);
        const V v15 = load<V>(r.far + 0 * r.width + w * L);
        const V v28 = load<V>(r.near + 0 * r.width + w * L);
        const V v34 = n33 * v1;
        const V v35 = v28 + v34;
        const V v36 = v35 + v34;
        const V v37 = v15 - v36;
        a38 = a38 + r.inside(w, v37);
        store(r.near + 1 * r.width + w * L, v36);
      }
      const V n38 = total(a38) * r.share;
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v0 = load<V>(r.parameter[0] + w * L);
        const V v3 = load<V>(r.far + 1 * r.width + w * L);
        const V v5 = load<V>(r.given[0] + w * L);
        const V v7 = load<V>(r.gradient[0] + w * L);
        const V v8 = constant<V>(0x1.0000000000000p+0);
        const V v9 = load<V>(r.keep + (w * KEEP + 1) * L);
        const V v12 = load<V>(r.keep + (w * KEEP + 3) * L);
        const V v17 = load<V>(r.result[1] + w * L);
        const V v19 = load<V>(r.keep + (w * KEEP + 0) * L);
        const V v36 = load<V>(r.near + 1 * r.width + w * L);
        const V v4 = v0 * v3;
        const V v6 = v4 + v5;
        const V v10 = v8 - v9;
        const V v18 = v6 * v17;
        const V v20 = v7 * v19;
        const V v21 = v18 + v20;
        const V v22 = v7 * v12;
        const V v23 = v21 - v22;
        const V v24 = v10 * v9;
        const V v25 = v23 * v24;
        const V v39 = n38 + v36;
        store(r.far + 2 * r.width + w * L, v6);
        store(r.dq[0] + place<V, GROUP_SIZE[0]>(0, w), r.inside(w, v25));
        store(r.dq[0] + place<V, GROUP_SIZE[0]>(1, w), r.inside(w, v39));
        store(r.dx + place<V, G>(0, w), r.inside(w, v25));
        store(r.dx + place<V, G>(1, w), r.inside(w, v39));
      }
    }
    if (phase == 2) {
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v3 = load<V>(r.far + 1 * r.width + w * L);
        const V v6 = load<V>(r.far + 2 * r.width + w * L);
        const V v7 = load<V>(r.gradient[0] + w * L);
        const V v9 = load<V>(r.keep + (w * KEEP + 1) * L);
        const V v17 = load<V>(r.result[1] + w * L);
        const V v42 = load<V>(r.result[0] + w * L);
        const V v26 = v17 * v9;
        const V v43 = v7 * v9;
        const V v44 = v42 + v43;
        const V v45 = v26 * v3;
        const V v46 = v6 * v9;
        store(r.gradient[0] + w * L, r.inside(w, v44));
        store(r.dparameter[0] + w * L, load<V>(r.dparameter[0] + w * L) + r.inside(w, v45));
        store(r.operand[1] + w * L, r.inside(w, v46));
      }
    }
  }
};

// The LSTM whose shown part is projected: h = product(o tanh(c), p.P).
struct projected {
  static constexpr int G = 4;
  static constexpr int S = 2;
  static constexpr int OUTPUT = 0;
  static constexpr int P = 0;
  static constexpr int E = 0;
  static constexpr int KEEP = 5;
  static constexpr bool STAGED = true;
  static constexpr bool DENSE = false;
  static constexpr bool SAME = true;
  static constexpr int NEAR = 0;
  static constexpr int FAR = 0;
  static constexpr int SUMS = 0;
  static constexpr int KEEP_ROWS = 0;
  static constexpr int MATRICES = 5;
  static constexpr int GROUPS = 2;
  static constexpr int PROJECTED = 1;
  static constexpr int32_t GROUP_SIZE[] = {4, 1};
  static constexpr int32_t GROUP_SHOWN[] = {1, 0};
  static constexpr int32_t GROUP_MATRICES[] = {0, 2, 1, 3, 4};
  static constexpr int FORWARD_PHASES = 1;
  static constexpr int32_t FORWARD_AFTER[] = {-1, 0};
  static constexpr int INFER_PHASES = 1;
  static constexpr int32_t INFER_AFTER[] = {-1, 0};
  static constexpr int BACKWARD_PHASES = 1;
  static constexpr int32_t BACKWARD_AFTER[] = {0, -1};
  template <class V>
  static OSTINATO_INLINE void forward(int phase, const row_of<V>& r) {
    constexpr int64_t L = kLanes<V>;
    if (phase == 0) {
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v0 = load<V>(r.x + place<V, G>(0, w));
        const V v3 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(0, w));
        const V v6 = load<V>(r.x + place<V, G>(2, w));
        const V v8 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(1, w));
        const V v12 = load<V>(r.x + place<V, G>(1, w));
        const V v14 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(2, w));
        const V v17 = load<V>(r.state[1] + w * L);
        const V v21 = load<V>(r.x + place<V, G>(3, w));
        const V v23 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(3, w));
        const V v4 = v0 + v3;
        const V v5 = sigmoid(v4);
        const V v9 = v6 + v8;
        const V v10 = tanh(v9);
        const V v11 = v5 * v10;
        const V v15 = v12 + v14;
        const V v16 = sigmoid(v15);
        const V v18 = v16 * v17;
        const V v19 = v11 + v18;
        const V v20 = tanh(v19);
        const V v24 = v21 + v23;
        const V v25 = sigmoid(v24);
        const V v26 = v20 * v25;
        store(r.out[1] + w * L, v19);
        store(r.operand[1] + w * L, r.inside(w, v26));
        store(r.keep + (w * KEEP + 0) * L, v5);
        store(r.keep + (w * KEEP + 1) * L, v10);
        store(r.keep + (w * KEEP + 2) * L, v16);
        store(r.keep + (w * KEEP + 3) * L, v17);
        store(r.keep + (w * KEEP + 4) * L, v25);
      }
    }
  }
  template <class V>
  static OSTINATO_INLINE void infer(int phase, const row_of<V>& r) {
    constexpr int64_t L = kLanes<V>;
    if (phase == 0) {
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v0 = load<V>(r.x + place<V, G>(0, w));
        const V v3 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(0, w));
        const V v6 = load<V>(r.x + place<V, G>(2, w));
        const V v8 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(1, w));
        const V v12 = load<V>(r.x + place<V, G>(1, w));
        const V v14 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(2, w));
        const V v17 = load<V>(r.state[1] + w * L);
        const V v21 = load<V>(r.x + place<V, G>(3, w));
        const V v23 = load<V>(r.result[0] + place<V, GROUP_SIZE[0]>(3, w));
        const V v4 = v0 + v3;
        const V v5 = sigmoid(v4);
        const V v9 = v6 + v8;
        const V v10 = tanh(v9);
        const V v11 = v5 * v10;
        const V v15 = v12 + v14;
        const V v16 = sigmoid(v15);
        const V v18 = v16 * v17;
        const V v19 = v11 + v18;
        const V v20 = tanh(v19);
        const V v24 = v21 + v23;
        const V v25 = sigmoid(v24);
        const V v26 = v20 * v25;
        store(r.out[1] + w * L, v19);
        store(r.operand[1] + w * L, r.inside(w, v26));
      }
    }
  }
  template <class V>
  static OSTINATO_INLINE void backward(int phase, const row_of<V>& r) {
    constexpr int64_t L = kLanes<V>;
    if (phase == 0) {
      for (int64_t w = 0; w < r.vectors; ++w) {
        const V v2 = load<V>(r.result[1] + w * L);
        const V v3 = load<V>(r.keep + (w * KEEP + 4) * L);
        const V v5 = constant<V>(0x1.0000000000000p+0);
        const V v6 = load<V>(r.keep + (w * KEEP + 0) * L);
        const V v7 = load<V>(r.keep + (w * KEEP + 1) * L);
        const V v9 = load<V>(r.keep + (w * KEEP + 2) * L);
        const V v10 = load<V>(r.keep + (w * KEEP + 3) * L);
        const V v17 = load<V>(r.gradient[1] + w * L);
        const V v4 = v2 * v3;
        const V v8 = v6 * v7;
        const V v11 = v9 * v10;
        const V v12 = v8 + v11;
        const V v13 = tanh(v12);
        const V v14 = v13 * v13;
        const V v15 = v5 - v14;
        const V v16 = v4 * v15;
        const V v18 = v16 + v17;
        const V v19 = v18 * v7;
        const V v20 = v5 - v6;
        const V v21 = v20 * v6;
        const V v22 = v19 * v21;
        const V v23 = v18 * v10;
        const V v24 = v5 - v9;
        const V v25 = v9 * v24;
        const V v26 = v23 * v25;
        const V v27 = v18 * v6;
        const V v28 = v7 * v7;
        const V v29 = v5 - v28;
        const V v30 = v27 * v29;
        const V v31 = v2 * v13;
        const V v32 = v5 - v3;
        const V v33 = v32 * v3;
        const V v34 = v31 * v33;
        const V v40 = v18 * v9;
        const V v41 = v13 * v3;
        store(r.gradient[1] + w * L, r.inside(w, v40));
        store(r.dx + place<V, G>(0, w), r.inside(w, v22));
        store(r.dx + place<V, G>(1, w), r.inside(w, v26));
        store(r.dx + place<V, G>(2, w), r.inside(w, v30));
        store(r.dx + place<V, G>(3, w), r.inside(w, v34));
        store(r.dq[0] + place<V, GROUP_SIZE[0]>(0, w), r.inside(w, v22));
        store(r.dq[0] + place<V, GROUP_SIZE[0]>(1, w), r.inside(w, v30));
        store(r.dq[0] + place<V, GROUP_SIZE[0]>(2, w), r.inside(w, v26));
        store(r.dq[0] + place<V, GROUP_SIZE[0]>(3, w), r.inside(w, v34));
        store(r.operand[1] + w * L, r.inside(w, v41));
      }
    }
  }
};
