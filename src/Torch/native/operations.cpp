// What is computed with tensors.
#include "shim.h"

using namespace leith;
namespace F = torch::nn::functional;

LEITH_TORCH Handle lt_add(Handle a, Handle b, float factor) {
    return made([&] { return a->add(*b, factor); });
}
LEITH_TORCH Handle lt_mul(Handle a, Handle b) {
    return made([&] { return a->mul(*b); });
}
LEITH_TORCH Handle lt_div(Handle a, Handle b) {
    return made([&] { return a->div(*b); });
}
// factor · a + offset
LEITH_TORCH Handle lt_affine(Handle a, float factor, float offset) {
    return made([&] {
        if (offset == 0) return a->mul(factor);
        return factor == 1 ? a->add(offset) : a->mul(factor).add(offset);
    });
}
LEITH_TORCH Handle lt_matmul(Handle a, Handle b) {
    return made([&] { return a->matmul(*b); });
}
LEITH_TORCH Handle lt_pow(Handle a, float exponent) {
    return made([&] { return a->pow(exponent); });
}
LEITH_TORCH Handle lt_sin(Handle a) {
    return made([&] { return a->sin(); });
}
LEITH_TORCH Handle lt_cos(Handle a) {
    return made([&] { return a->cos(); });
}
LEITH_TORCH Handle lt_exp(Handle a) {
    return made([&] { return a->exp(); });
}
LEITH_TORCH Handle lt_silu(Handle a) {
    return made([&] { return torch::silu(*a); });
}
LEITH_TORCH Handle lt_sum(Handle a) {
    return made([&] { return a->sum(); });
}
LEITH_TORCH Handle lt_mean(Handle a) {
    return made([&] { return a->mean(); });
}

LEITH_TORCH Handle lt_reshape(Handle a, const int64_t *shape, int rank) {
    return made([&] { return a->reshape({shape, size_t(rank)}); });
}
LEITH_TORCH Handle lt_permute(Handle a, const int64_t *axes, int rank) {
    return made([&] { return a->permute({axes, size_t(rank)}); });
}
LEITH_TORCH Handle lt_narrow(Handle a, int64_t axis, int64_t start, int64_t length) {
    return made([&] { return a->narrow(axis, start, length); });
}
LEITH_TORCH Handle lt_index_select(Handle a, int64_t axis, Handle index) {
    return made([&] { return a->index_select(axis, *index); });
}
LEITH_TORCH Handle lt_cat(Handle *parts, int count, int64_t axis) {
    return made([&] { return torch::cat(list(parts, count), axis); });
}

LEITH_TORCH Handle lt_linear(Handle x, Handle weight, Handle bias) {
    return made([&] { return torch::linear(*x, *weight, bias ? *bias : torch::Tensor()); });
}
LEITH_TORCH Handle lt_conv2d(Handle x, Handle weight, Handle bias, int64_t stride) {
    return made([&] { return torch::conv2d(*x, *weight, bias ? *bias : torch::Tensor(), stride); });
}
// The last two axes, continued periodically.
LEITH_TORCH Handle lt_pad_circular(Handle x, int64_t before, int64_t after) {
    return made([&] { return F::pad(*x, F::PadFuncOptions({before, after, before, after}).mode(torch::kCircular)); });
}
LEITH_TORCH Handle lt_group_norm(Handle x, int64_t groups, Handle weight, Handle bias, double epsilon) {
    return made([&] { return torch::group_norm(*x, groups, *weight, *bias, epsilon); });
}
LEITH_TORCH Handle lt_upsample(Handle x, int64_t factor) {
    return made([&] {
        return torch::upsample_nearest2d(*x, {x->size(2) * factor, x->size(3) * factor});
    });
}
// The real part of ifft2(factor · fft2(x)) over the last two axes.
LEITH_TORCH Handle lt_filter(Handle x, Handle factor) {
    return made([&] { return torch::real(torch::fft::ifft2(torch::fft::fft2(*x).mul(*factor))); });
}
