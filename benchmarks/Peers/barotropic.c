// Ensemble of a barotropic model of six modes in a channel with orography (Charney and DeVore 1979, in the form of Crommelin, Opsteegh and Verkley 2004),
// the usual way: one member at a time, Runge-Kutta 4 for the drift, then additive white noise, Box-Muller with the library's functions.
// build: gcc -O3 -march=native barotropic.c -o barotropic -lm;  run: taskset -c 1 ./barotropic [members [steps]]
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { modes = 6 };
static const double pi = 3.14159265358979323846, b = 0.5, beta = 1.25, gamma0 = 0.2, C = 0.1, x1s = 0.95, x4s = -0.76095, amplitude = 0.05, dt = 0.05;
static double a1, a2, b1, b2, d1, d2, g1, g2, g1s, g2s, e;

static void coefficients(void)
{
    double *a[2] = {&a1, &a2}, *bm[2] = {&b1, &b2}, *d[2] = {&d1, &d2}, *g[2] = {&g1, &g2}, *gs[2] = {&g1s, &g2s};
    for (int i = 0; i < 2; i++) {
        double m2 = (i + 1) * (i + 1), m = i + 1, odd = 4 * m2 - 1, sum = b * b + m2;
        *a[i] = 8 * sqrt(2) / pi * m2 / odd * (sum - 1) / sum;
        *bm[i] = beta * b * b / sum;
        *d[i] = 64 * sqrt(2) / (15 * pi) * (b * b - m2 + 1) / sum;
        *gs[i] = gamma0 * 4 * m / odd * sqrt(2) * b / pi;
        *g[i] = gamma0 * 4 * m2 * m / odd * sqrt(2) * b / (pi * sum);
    }
    e = 16 * sqrt(2) / (5 * pi);
}

static void drift(const double *x, double *dx)
{
    dx[0] = g1s * x[2] - C * (x[0] - x1s);
    dx[1] = -(a1 * x[0] - b1) * x[2] - C * x[1] - d1 * x[3] * x[5];
    dx[2] = (a1 * x[0] - b1) * x[1] - g1 * x[0] - C * x[2] + d1 * x[3] * x[4];
    dx[3] = g2s * x[5] - C * (x[3] - x4s) + e * (x[1] * x[5] - x[2] * x[4]);
    dx[4] = -(a2 * x[0] - b2) * x[5] - C * x[4] - d2 * x[3] * x[2];
    dx[5] = (a2 * x[0] - b2) * x[4] - g2 * x[3] - C * x[5] + d2 * x[3] * x[1];
}

static void rungeKutta4(double *x)
{
    double k1[modes], k2[modes], k3[modes], k4[modes], y[modes];
    drift(x, k1);
    for (int i = 0; i < modes; i++) y[i] = x[i] + dt / 2 * k1[i];
    drift(y, k2);
    for (int i = 0; i < modes; i++) y[i] = x[i] + dt / 2 * k2[i];
    drift(y, k3);
    for (int i = 0; i < modes; i++) y[i] = x[i] + dt * k3[i];
    drift(y, k4);
    for (int i = 0; i < modes; i++) x[i] += dt / 6 * (k1[i] + 2 * (k2[i] + k3[i]) + k4[i]);
}

// xoshiro256++ (Blackman and Vigna), seeded by splitmix64
static uint64_t state[4];

static void seed(uint64_t s)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = s += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        state[i] = z ^ (z >> 31);
    }
}

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static uint64_t next(void)
{
    uint64_t result = rotate(state[0] + state[3], 23) + state[0], t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotate(state[3], 45);
    return result;
}

static double uniform(void) { return ((next() >> 11) + 0.5) * 0x1p-53; }

static void addNoise(double *x)
{
    for (int i = 0; i < modes; i += 2) {
        double radius = amplitude * sqrt(dt) * sqrt(-2 * log(uniform())), angle = 2 * pi * uniform();
        x[i] += radius * cos(angle);
        x[i + 1] += radius * sin(angle);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int ascending(const void *p, const void *q) { return (*(double *)p > *(double *)q) - (*(double *)p < *(double *)q); }

static void measure(double *ensemble, int members, int steps, int noise)
{
    enum { samples = 7 };
    double taken[samples];
    for (int s = 0; s < samples; s++) {
        double start = now();
        for (int m = 0; m < members; m++) {
            double *x = ensemble + m * modes;
            for (int t = 0; t < steps; t++) {
                rungeKutta4(x);
                if (noise) addNoise(x);
            }
        }
        taken[s] = (now() - start) * 1e9 / ((double)members * steps);
    }
    qsort(taken, samples, sizeof(double), ascending);
    double mean1 = 0, mean4 = 0;
    for (int m = 0; m < members; m++) mean1 += ensemble[m * modes] / members, mean4 += ensemble[m * modes + 3] / members;
    printf("barotropic, noise %s: %.2f ns a step and member (%.2f to %.2f); <x1> = %.4f, <x4> = %.4f\n", noise ? "on" : "off", taken[samples / 2], taken[0], taken[samples - 1], mean1, mean4);
}

int main(int argc, char **argv)
{
    int members = argc > 1 ? atoi(argv[1]) : 1024, steps = argc > 2 ? atoi(argv[2]) : 500;
    double *ensemble = malloc(sizeof(double) * modes * members);
    coefficients();
    seed(1);
    for (int m = 0; m < members; m++)
        for (int i = 0; i < modes; i++) ensemble[m * modes + i] = (i == 0 ? x1s : i == 3 ? x4s : 0) + 0.1 * (uniform() - 0.5);
    measure(ensemble, members, steps, 1);
    measure(ensemble, members, steps, 0);
    free(ensemble);
    return 0;
}
