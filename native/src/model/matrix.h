// A weight matrix of either kind.
#pragma once

#include <variant>

#include "model/dense_matrix.h"
#include "model/ternary_matrix.h"

namespace shard {

class Matrix {
 public:
  explicit Matrix(TernaryMatrix&& matrix) : matrix_(std::move(matrix)) {}
  explicit Matrix(DenseMatrix&& matrix) : matrix_(std::move(matrix)) {}

  const TernaryMatrix* ternary() const { return std::get_if<TernaryMatrix>(&matrix_); }
  const DenseMatrix* dense() const { return std::get_if<DenseMatrix>(&matrix_); }
  int rows() const { return ternary() != nullptr ? ternary()->view().rows : dense()->view().rows; }
  int cols() const { return ternary() != nullptr ? ternary()->view().cols : dense()->view().cols; }
  int groups() const { return (rows() + kLanes - 1) / kLanes; }
  void row(int index, float* out) const {
    if (ternary() != nullptr) ternary()->row(index, out);
    else dense()->row(index, out);
  }

 private:
  std::variant<TernaryMatrix, DenseMatrix> matrix_;
};

}  // namespace shard
