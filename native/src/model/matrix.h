// A weight matrix of any kind.
#pragma once

#include <variant>

#include "model/dense_matrix.h"
#include "model/int8_matrix.h"
#include "model/ternary_matrix.h"

namespace shard {

class Matrix {
 public:
  explicit Matrix(TernaryMatrix&& matrix) : matrix_(std::move(matrix)) {}
  explicit Matrix(Int8Matrix&& matrix) : matrix_(std::move(matrix)) {}
  explicit Matrix(DenseMatrix&& matrix) : matrix_(std::move(matrix)) {}

  bool isTernary() const { return std::holds_alternative<TernaryMatrix>(matrix_); }
  /** Calls f with the view of the kind that it is. */
  template <typename F>
  auto visit(F&& f) const {
    return std::visit([&](const auto& matrix) { return f(matrix.view()); }, matrix_);
  }
  int groups() const {
    return visit([](const auto& view) { return view.groups(); });
  }
  int cols() const {
    return visit([](const auto& view) { return view.cols; });
  }

 private:
  std::variant<TernaryMatrix, Int8Matrix, DenseMatrix> matrix_;
};

}  // namespace shard
