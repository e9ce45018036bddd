// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value, or the reason the outside world did not give us one.
//
// Expected failures (network, disk, bad input, a child that died) travel as values. Bugs do not:
// they stop the process through CHECK. Exceptions never cross a folder boundary; an adapter that
// calls a throwing library turns them into an Error on the spot.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace panshi {

// A code exists only where some caller acts on it. Everything else is kInternal and a message.
enum class ErrorCode {
  kInvalid,
  kNotFound,
  kConflict,
  kOver,  // it has ended: waiting and trying again change nothing
  kRefused,
  kUnavailable,
  kTimeout,
  kInternal
};

struct Error {
  ErrorCode code;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// Adds what we were doing to why it failed: "load scenario x.yaml: steps[2].fault: unknown kind".
inline tl::unexpected<Error> fail(Error cause, std::string_view doing) {
  cause.message.insert(0, std::string(doing) + ": ");
  return tl::unexpected<Error>(std::move(cause));
}

}  // namespace panshi

// ASSIGN_OR_RETURN(auto plan, parse_plan(text));
#define PANSHI_CAT_(a, b) a##b
#define PANSHI_CAT(a, b) PANSHI_CAT_(a, b)
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_(PANSHI_CAT(result_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_(result, target, expression)                               \
  auto result = (expression);                                                       \
  if (!result) return ::tl::unexpected<::panshi::Error>(std::move(result).error()); \
  target = *std::move(result)
