// Gradients, Adam, the moving average.
#include "shim.h"

using namespace leith;
using Optimiser = torch::optim::Adam *;

LEITH_TORCH int lt_requires_grad(Handle t, int value) {
    return done([&] { t->requires_grad_(value != 0); });
}
LEITH_TORCH Handle lt_detach(Handle t) {
    return made([&] { return t->detach(); });
}
LEITH_TORCH int lt_backward(Handle t) {
    return done([&] { t->backward(); });
}
LEITH_TORCH Handle lt_grad(Handle t) {
    return made([&] {
        TORCH_CHECK(t->grad().defined(), "expected a gradient, but nothing was propagated back to this tensor");
        return t->grad();
    });
}
// Whether operations of this thread are recorded; answers what it was.
LEITH_TORCH int lt_grad_mode(int value) {
    bool before = torch::GradMode::is_enabled();
    torch::GradMode::set_enabled(value != 0);
    return before;
}
LEITH_TORCH int lt_copy(Handle to, Handle from) {
    return done([&] {
        torch::NoGradGuard guard;
        to->copy_(*from);
    });
}
// a ← a + weight (b − a)
LEITH_TORCH int lt_lerp(Handle a, Handle b, float weight) {
    return done([&] {
        torch::NoGradGuard guard;
        a->lerp_(*b, weight);
    });
}
LEITH_TORCH int lt_clip_grad_norm(Handle *parameters, int count, double limit, double *norm) {
    return done([&] { *norm = torch::nn::utils::clip_grad_norm_(list(parameters, count), limit); });
}

LEITH_TORCH Optimiser lt_adam(Handle *parameters, int count, double rate, double beta1, double beta2, double epsilon) {
    try {
        return new torch::optim::Adam(list(parameters, count), torch::optim::AdamOptions(rate).betas({beta1, beta2}).eps(epsilon));
    } catch (...) {
        keep_error();
        return nullptr;
    }
}
LEITH_TORCH void lt_adam_free(Optimiser optimiser) { delete optimiser; }
LEITH_TORCH int lt_adam_step(Optimiser optimiser) {
    return done([&] { optimiser->step(); });
}
LEITH_TORCH int lt_adam_zero_grad(Optimiser optimiser) {
    return done([&] { optimiser->zero_grad(); });
}
LEITH_TORCH int lt_adam_rate(Optimiser optimiser, double rate) {
    return done([&] {
        for (auto &group : optimiser->param_groups()) static_cast<torch::optim::AdamOptions &>(group.options()).lr(rate);
    });
}
