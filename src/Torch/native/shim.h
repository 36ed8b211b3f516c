// What C# sees of libtorch: C functions over tensors behind pointers. A function that fails answers null, or nonzero, and leaves its message for lt_error.
#pragma once
#include <torch/torch.h>

#include <atomic>
#include <string>

#define LEITH_TORCH extern "C" __attribute__((visibility("default")))

namespace leith {

using Handle = torch::Tensor *;

/// Tensors that C# holds now.
extern std::atomic<int64_t> live;

/// The message of the last failure on this thread.
extern thread_local std::string error;

/// A tensor that C# now owns, and gives back with lt_free.
inline Handle give(torch::Tensor tensor) {
    auto handle = new torch::Tensor(std::move(tensor));
    ++live;
    return handle;
}

/// Keeps the message of the exception at hand, without libtorch's stack trace.
void keep_error();

/// A tensor, or null.
template <class F> Handle made(F make) {
    try {
        return give(make());
    } catch (...) {
        keep_error();
        return nullptr;
    }
}

/// 0, or 1 on failure.
template <class F> int done(F work) {
    try {
        work();
        return 0;
    } catch (...) {
        keep_error();
        return 1;
    }
}

inline std::vector<torch::Tensor> list(Handle *handles, int count) {
    std::vector<torch::Tensor> tensors;
    for (int i = 0; i < count; i++) tensors.push_back(*handles[i]);
    return tensors;
}

} // namespace leith
