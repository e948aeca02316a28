// The elementwise stages of a BitNet step, each one pass over its rows: what PyTorch spends nine tenths
// of a CPU step on. Matrix products stay with PyTorch (bfloat16, oneDNN).
//
// Shapes: R rows (tokens) by D columns, row-major. bf16 is the high half of a float. `gain` is D floats.
// Built by fast.py with: cc -O3 -march=native -ffast-math -fopenmp -shared -fPIC kernels.c -lm

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint16_t bf16;
#define MAX_D 8192

static inline float load(bf16 h) {
  union { uint32_t u; float f; } v = {(uint32_t)h << 16};
  return v.f;
}

static inline bf16 store(float f) {
  union { float f; uint32_t u; } v = {f};
  return (bf16)((v.u + 0x7fff + ((v.u >> 16) & 1)) >> 16);
}

static inline float rstd_of(const float *x, int D, float eps) {
  float sum = 0;
  for (int i = 0; i < D; i++) sum += x[i] * x[i];
  return 1.0f / sqrtf(sum / D + eps);
}

// RMSNorm, then int8 fake quantisation by the row's absolute maximum: out = bf16(round(n / s) * s).
static inline void norm_quant(const float *x, const float *gain, float rstd, bf16 *out, int D) {
  float n[MAX_D], top = 1e-5f;
  for (int i = 0; i < D; i++) {
    n[i] = x[i] * rstd * gain[i];
    float a = fabsf(n[i]);
    top = a > top ? a : top;
  }
  const float scale = 127.0f / top, step = top / 127.0f;
  for (int i = 0; i < D; i++) out[i] = store(rintf(n[i] * scale) * step);
}

// Gradient of RMSNorm with the quantiser passed straight through: dx[i] and gain's, for dn.
static inline void norm_grad(const float *dn, const float *x, const float *gain, float rstd, float *dx, float *dgain, int D) {
  float dot = 0;
  for (int i = 0; i < D; i++) dot += dn[i] * gain[i] * x[i];
  const float c = dot * rstd * rstd / D;
  for (int i = 0; i < D; i++) {
    dgain[i] += dn[i] * x[i] * rstd;
    dx[i] = rstd * (dn[i] * gain[i] - c * x[i]);
  }
}

// x[R,D] += add[R,D] (add may be null); out[R,D] = norm_quant(x); rstd[R].
void add_norm_quant(float *x, const bf16 *add, const float *gain, bf16 *out, float *rstd, int64_t R, int D, float eps) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < R; r++) {
    float *row = x + r * D;
    if (add)
      for (int i = 0; i < D; i++) row[i] += load(add[r * D + i]);
    rstd[r] = rstd_of(row, D, eps);
    norm_quant(row, gain, rstd[r], out + r * D, D);
  }
}

// dx[R,D] += gradient of the norm for dn; dx16 = bf16(dx); dgain[D] +=.
void add_norm_grad(float *dx, bf16 *dx16, const bf16 *dn, const float *x, const float *gain, const float *rstd, float *dgain, int64_t R, int D) {
#pragma omp parallel
  {
    float own[MAX_D], g[MAX_D], d[MAX_D];
    memset(own, 0, sizeof(float) * D);
#pragma omp for schedule(static)
    for (int64_t r = 0; r < R; r++) {
      for (int i = 0; i < D; i++) g[i] = load(dn[r * D + i]);
      norm_grad(g, x + r * D, gain, rstd[r], d, own, D);
      for (int i = 0; i < D; i++) {
        dx[r * D + i] += d[i];
        dx16[r * D + i] = store(dx[r * D + i]);
      }
    }
#pragma omp critical
    for (int i = 0; i < D; i++) dgain[i] += own[i];
  }
}

// The attention output, heads merged, normalised and quantised. a[B,KV,G,T,C] -> out[B*T, KV*G*C].
static inline const bf16 *head_row(const bf16 *a, int b, int h, int t, int H, int T, int C) {
  return a + (((int64_t)b * H + h) * T + t) * C;
}

void merge_norm_quant(const bf16 *a, const float *gain, bf16 *out, float *rstd, int B, int T, int H, int C, float eps) {
  const int D = H * C;
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < (int64_t)B * T; r++) {
    float x[MAX_D];
    for (int h = 0; h < H; h++)
      for (int i = 0; i < C; i++) x[h * C + i] = load(head_row(a, r / T, h, r % T, H, T, C)[i]);
    rstd[r] = rstd_of(x, D, eps);
    norm_quant(x, gain, rstd[r], out + r * D, D);
  }
}

void merge_norm_grad(const bf16 *dn, const bf16 *a, const float *gain, const float *rstd, bf16 *da, float *dgain, int B, int T, int H, int C) {
  const int D = H * C;
#pragma omp parallel
  {
    float own[MAX_D], g[MAX_D], x[MAX_D], d[MAX_D];
    memset(own, 0, sizeof(float) * D);
#pragma omp for schedule(static)
    for (int64_t r = 0; r < (int64_t)B * T; r++) {
      for (int i = 0; i < D; i++) g[i] = load(dn[r * D + i]);
      for (int h = 0; h < H; h++)
        for (int i = 0; i < C; i++) x[h * C + i] = load(head_row(a, r / T, h, r % T, H, T, C)[i]);
      norm_grad(g, x, gain, rstd[r], d, own, D);
      for (int h = 0; h < H; h++)
        for (int i = 0; i < C; i++) ((bf16 *)head_row(da, r / T, h, r % T, H, T, C))[i] = store(d[h * C + i]);
    }
#pragma omp critical
    for (int i = 0; i < D; i++) dgain[i] += own[i];
  }
}

static inline float sigmoid(float v) { return 1.0f / (1.0f + expf(-v)); }

// gu[R,2F] = gate, up; h = silu(gate) * up; out[R,F] = norm_quant(h).
void glu_norm_quant(const bf16 *gu, const float *gain, bf16 *out, float *rstd, int64_t R, int F, float eps) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < R; r++) {
    float h[MAX_D];
    const bf16 *g = gu + r * 2 * F, *u = g + F;
    for (int i = 0; i < F; i++) h[i] = load(g[i]) * sigmoid(load(g[i])) * load(u[i]);
    rstd[r] = rstd_of(h, F, eps);
    norm_quant(h, gain, rstd[r], out + r * F, F);
  }
}

void glu_norm_grad(const bf16 *dn, const bf16 *gu, const float *gain, const float *rstd, bf16 *dgu, float *dgain, int64_t R, int F) {
#pragma omp parallel
  {
    float own[MAX_D], n[MAX_D], h[MAX_D], d[MAX_D], s[MAX_D];
    memset(own, 0, sizeof(float) * F);
#pragma omp for schedule(static)
    for (int64_t r = 0; r < R; r++) {
      const bf16 *g = gu + r * 2 * F, *u = g + F;
      for (int i = 0; i < F; i++) {
        s[i] = sigmoid(load(g[i]));
        h[i] = load(g[i]) * s[i] * load(u[i]);
        n[i] = load(dn[r * F + i]);
      }
      norm_grad(n, h, gain, rstd[r], d, own, F);
      bf16 *dg = dgu + r * 2 * F, *du = dg + F;
      for (int i = 0; i < F; i++) {
        const float v = load(g[i]);
        dg[i] = store(d[i] * load(u[i]) * s[i] * (1.0f + v * (1.0f - s[i])));
        du[i] = store(d[i] * v * s[i]);
      }
    }
#pragma omp critical
    for (int i = 0; i < F; i++) dgain[i] += own[i];
  }
}

// Rotates pairs (i, i + C/2) by the angle of position t and parts the heads; `sign` -1 turns back.
// qkv[B*T, (H + 2 KV) C]; q[B,H,T,C], k[B,KV,T,C], v[B,KV,T,C]; cosine, sine [T, C/2].
void rope_split(const bf16 *qkv, bf16 *q, bf16 *k, bf16 *v, const float *cosine, const float *sine, int B, int T, int H, int KV, int C) {
  const int W = (H + 2 * KV) * C;
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < (int64_t)B * T; r++) {
    const int b = r / T, t = r % T;
    const float *c = cosine + t * (C / 2), *s = sine + t * (C / 2);
    for (int h = 0; h < H + KV; h++) {
      const bf16 *in = qkv + r * W + h * C;
      bf16 *out = h < H ? (bf16 *)head_row(q, b, h, t, H, T, C) : (bf16 *)head_row(k, b, h - H, t, KV, T, C);
      for (int i = 0; i < C / 2; i++) {
        const float x = load(in[i]), y = load(in[i + C / 2]);
        out[i] = store(x * c[i] - y * s[i]);
        out[i + C / 2] = store(x * s[i] + y * c[i]);
      }
    }
    for (int h = 0; h < KV; h++) memcpy((bf16 *)head_row(v, b, h, t, KV, T, C), qkv + r * W + (H + KV + h) * C, C * sizeof(bf16));
  }
}

void rope_merge(bf16 *qkv, const bf16 *q, const bf16 *k, const bf16 *v, const float *cosine, const float *sine, int B, int T, int H, int KV, int C) {
  const int W = (H + 2 * KV) * C;
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < (int64_t)B * T; r++) {
    const int b = r / T, t = r % T;
    const float *c = cosine + t * (C / 2), *s = sine + t * (C / 2);
    for (int h = 0; h < H + KV; h++) {
      const bf16 *in = h < H ? head_row(q, b, h, t, H, T, C) : head_row(k, b, h - H, t, KV, T, C);
      bf16 *out = qkv + r * W + h * C;
      for (int i = 0; i < C / 2; i++) {
        const float x = load(in[i]), y = load(in[i + C / 2]);
        out[i] = store(x * c[i] + y * s[i]);
        out[i + C / 2] = store(y * c[i] - x * s[i]);
      }
    }
    for (int h = 0; h < KV; h++) memcpy(qkv + r * W + (H + KV + h) * C, head_row(v, b, h, t, KV, T, C), C * sizeof(bf16));
  }
}

// s[N,T,T], N heads: causal softmax of s * scale along the last axis, in place.
void softmax(bf16 *s, int64_t N, int T, float scale) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < N * T; r++) {
    bf16 *row = s + r * T;
    const int n = (int)(r % T) + 1;
    float e[MAX_D], top = -1e30f, sum = 0;
    for (int i = 0; i < n; i++) {
      e[i] = load(row[i]) * scale;
      top = e[i] > top ? e[i] : top;
    }
    for (int i = 0; i < n; i++) {
      e[i] = expf(e[i] - top);
      sum += e[i];
    }
    const float inv = 1.0f / sum;
    for (int i = 0; i < n; i++) row[i] = store(e[i] * inv);
    memset(row + n, 0, (T - n) * sizeof(bf16));
  }
}

// d[N,T,T] holds the gradient of p; becomes the gradient of s.
void softmax_grad(bf16 *d, const bf16 *p, int64_t N, int T, float scale) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < N * T; r++) {
    bf16 *row = d + r * T;
    const bf16 *pr = p + r * T;
    const int n = (int)(r % T) + 1;
    float dot = 0;
    for (int i = 0; i < n; i++) dot += load(row[i]) * load(pr[i]);
    for (int i = 0; i < n; i++) row[i] = store(load(pr[i]) * (load(row[i]) - dot) * scale);
    memset(row + n, 0, (T - n) * sizeof(bf16));
  }
}

static inline float softmax_row(const bf16 *z, float *p, int V) {
  float top = -1e30f, sum = 0;
  for (int i = 0; i < V; i++) {
    p[i] = load(z[i]);
    top = p[i] > top ? p[i] : top;
  }
  for (int i = 0; i < V; i++) {
    p[i] = expf(p[i] - top);
    sum += p[i];
  }
  const float inv = 1.0f / sum;
  for (int i = 0; i < V; i++) p[i] *= inv;
  return top + logf(sum);
}

// Cross-entropy of logits z[R,V] with `next`, mixed with that of the teacher's distribution (z_teacher may be
// null; it then counts as part 0): loss[r] = -ln q(next); soft[r] = KL(teacher || q);
// z becomes the gradient of mean((1 - part) * loss + part * soft). Rows with next < 0 count nothing.
void cross_entropy(bf16 *z, const bf16 *teacher, const int64_t *next, float *loss, float *soft, float part, float inv_rows, int64_t R, int V) {
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < R; r++) {
    bf16 *row = z + r * V;
    loss[r] = soft[r] = 0;
    if (next[r] < 0) {
      memset(row, 0, V * sizeof(bf16));
      continue;
    }
    float q[MAX_D], p[MAX_D];
    const float at = load(row[next[r]]), lse = softmax_row(row, q, V);
    loss[r] = lse - at;
    if (teacher) {
      const float lse_p = softmax_row(teacher + r * V, p, V);
      float kl = 0;
      for (int i = 0; i < V; i++) kl += p[i] * ((load(teacher[r * V + i]) - lse_p) - (load(row[i]) - lse));
      soft[r] = kl;
      for (int i = 0; i < V; i++) q[i] -= part * p[i];
    }
    q[next[r]] -= teacher ? 1.0f - part : 1.0f;
    for (int i = 0; i < V; i++) row[i] = store(q[i] * inv_rows);
  }
}

// Ternary weights by the absolute mean: scale = bf16(mean |w|), out = round(clamp(w / scale, -1, 1)) * scale.
// A bf16 scale is exact in the f16 that a GGUF file stores. Returns the scale.
float ternary(const float *w, bf16 *out, int64_t n) {
  double sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += fabsf(w[i]);
  const bf16 s = store((float)(sum / (double)n));
  const float scale = load(s) > 1e-30f ? load(s) : 1e-30f, inv = 1.0f / scale;
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    const float v = w[i] * inv;
    out[i] = store((v > 0.5f ? 1.0f : v < -0.5f ? -1.0f : 0.0f) * scale);
  }
  return scale;
}

// AdamW over n parameters with decoupled decay. c1, c2: the bias corrections 1 - b^t.
void adamw(float *w, const float *g, float *m, float *v, int64_t n, float lr, float b1, float b2, float c1, float c2, float eps, float decay, float clip) {
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < n; i++) {
    const float gi = g[i] * clip;
    m[i] = b1 * m[i] + (1 - b1) * gi;
    v[i] = b2 * v[i] + (1 - b2) * gi * gi;
    w[i] -= lr * ((m[i] / c1) / (sqrtf(v[i] / c2) + eps) + decay * w[i]);
  }
}
