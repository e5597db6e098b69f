// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace fovea {

// Everything Fovea reports to a user is an Error whose what() is one clear message: the file, layer or field at
// fault, what was expected and what was found. Nothing in the library prints or exits.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Bad input from outside: a file, a net, an option, a shape.
class InputError : public Error {
 public:
  using Error::Error;
};

// The device or its runtime refused: out of memory, failed launch, missing library.
class DeviceError : public Error {
 public:
  using Error::Error;
};

// Throws InputError(message()) unless `ok`. The message is built only on failure.
template <class MessageFn>
void require(bool ok, MessageFn&& message) {
  if (!ok) throw InputError(std::forward<MessageFn>(message)());
}

}  // namespace fovea
