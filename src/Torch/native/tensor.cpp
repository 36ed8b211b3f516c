// Tensors: made, copied out, looked at, freed; devices, seeds, threads.
#include "shim.h"

#if !__has_include(<ATen/Parallel.h>)
#error "expected libtorch with ATen/Parallel.h"
#endif
#include <ATen/Parallel.h>
#include <malloc.h>

namespace leith {

// Training frees and takes the same large blocks at every step: kept by the process instead of given back, which cost a third of the time.
static const bool keeps_blocks = mallopt(M_MMAP_THRESHOLD, 1 << 30) && mallopt(M_TRIM_THRESHOLD, 1 << 30);

std::atomic<int64_t> live{0};
thread_local std::string error;

void keep_error() {
    try {
        throw;
    } catch (const c10::Error &e) {
        error = e.what_without_backtrace();
    } catch (const std::exception &e) {
        error = e.what();
    } catch (...) {
        error = "an exception without a message";
    }
}

static torch::TensorOptions options(const char *device) { return torch::TensorOptions().dtype(torch::kFloat32).device(device); }

} // namespace leith

using namespace leith;

LEITH_TORCH const char *lt_error() { return error.c_str(); }
LEITH_TORCH const char *lt_version() { return TORCH_VERSION; }
LEITH_TORCH int64_t lt_live() { return live; }

LEITH_TORCH void lt_free(Handle t) {
    if (!t) return;
    delete t;
    --live;
}

// Numbers from C# are copied.
LEITH_TORCH Handle lt_tensor(const float *values, const int64_t *shape, int rank, const char *device) {
    return made([&] { return torch::from_blob(const_cast<float *>(values), {shape, size_t(rank)}, torch::kFloat32).clone().to(torch::Device(device)); });
}
LEITH_TORCH Handle lt_indices(const int64_t *values, int64_t count, const char *device) {
    return made([&] { return torch::from_blob(const_cast<int64_t *>(values), {count}, torch::kInt64).clone().to(torch::Device(device)); });
}
LEITH_TORCH Handle lt_full(const int64_t *shape, int rank, float value, const char *device) {
    return made([&] { return torch::full({shape, size_t(rank)}, value, options(device)); });
}
LEITH_TORCH Handle lt_randn(const int64_t *shape, int rank, const char *device) {
    return made([&] { return torch::randn({shape, size_t(rank)}, options(device)); });
}
LEITH_TORCH Handle lt_rand(const int64_t *shape, int rank, const char *device) {
    return made([&] { return torch::rand({shape, size_t(rank)}, options(device)); });
}

LEITH_TORCH int lt_rank(Handle t) { return int(t->dim()); }
LEITH_TORCH int64_t lt_size(Handle t, int axis) { return t->size(axis); }
LEITH_TORCH int lt_data(Handle t, float *values, int64_t count) {
    return done([&] {
        auto flat = t->detach().to(torch::kCPU, torch::kFloat32).contiguous();
        TORCH_CHECK(flat.numel() == count, "expected room for ", flat.numel(), " values, got ", count);
        std::memcpy(values, flat.data_ptr<float>(), size_t(count) * sizeof(float));
    });
}
LEITH_TORCH int lt_device(Handle t, char *name, int length) {
    return done([&] { std::snprintf(name, size_t(length), "%s", t->device().str().c_str()); });
}
LEITH_TORCH Handle lt_to(Handle t, const char *device) {
    return made([&] { return t->to(torch::Device(device)); });
}

LEITH_TORCH int lt_cuda_devices() { return torch::cuda::is_available() ? int(torch::cuda::device_count()) : 0; }
LEITH_TORCH int lt_manual_seed(uint64_t seed) {
    return done([&] { torch::manual_seed(seed); });
}
LEITH_TORCH int lt_get_threads() { return at::get_num_threads(); }
LEITH_TORCH int lt_set_threads(int threads) {
    return done([&] { at::set_num_threads(threads); });
}
