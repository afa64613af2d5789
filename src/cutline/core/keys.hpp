// Scores as integers that order like them, with room for the label.
//
// A float's bits, read as a signed magnitude, order like the float. Of the whole line only the stretch between the
// smallest and the largest score is used, and the gap between zero and the smallest magnitude other than zero is
// squeezed out; what is left of float32 fits in 31 bits and of float64 in 63 for all but freakish ranges, which leaves
// the lowest bit for the label: one plain sort of integers then carries the labels along.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

// CUTLINE_DISPATCH(type, name, (parameters), (arguments), call) defines name: `call` compiled for several instruction sets, the best
// one picked at run time; elsewhere the baseline is all there is. `call` is to an inline function. Only integers and
// independent lanes are vectorised, so every version gives the same bits.
#if defined(__x86_64__) && defined(__GNUC__)
#define CUTLINE_DISPATCH(type, name, parameters, arguments, call)                                                   \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) type name##_avx512 parameters { return call; }    \
    __attribute__((target("avx2"))) type name##_avx2 parameters { return call; }                                    \
    type name##_baseline parameters { return call; }                                                                \
    type name parameters {                                                                                          \
        static const auto best = cutline::instruction_set();                                                        \
        return best == 2 ? name##_avx512 arguments : best == 1 ? name##_avx2 arguments : name##_baseline arguments; \
    }
#else
#define CUTLINE_DISPATCH(type, name, parameters, arguments, call) \
    type name parameters { return call; }
#endif
#if defined(__GNUC__)
#define CUTLINE_INLINE inline __attribute__((always_inline))
#define CUTLINE_LAMBDA __attribute__((always_inline))
#define CUTLINE_PREFETCH(address) __builtin_prefetch(address)
#else
#define CUTLINE_LAMBDA
#define CUTLINE_PREFETCH(address) (void)(address)
#define CUTLINE_INLINE inline
#endif

namespace cutline {

#if defined(__x86_64__) && defined(__GNUC__)
inline int instruction_set() {
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) return 2;
    return __builtin_cpu_supports("avx2") ? 1 : 0;
}
#endif

template <typename S>
struct FloatBits;
template <>
struct FloatBits<float> {
    using Unsigned = uint32_t;
    using Signed = int32_t;
};
template <>
struct FloatBits<double> {
    using Unsigned = uint64_t;
    using Signed = int64_t;
};

// Lowest and highest score as signed magnitudes, and the smallest magnitude that is not zero.
struct Range {
    int64_t bottom = std::numeric_limits<int64_t>::max();
    int64_t top = std::numeric_limits<int64_t>::min();
    uint64_t gap = std::numeric_limits<uint64_t>::max();

    void join(const Range &other) {
        bottom = std::min(bottom, other.bottom);
        top = std::max(top, other.top);
        gap = std::min(gap, other.gap);
    }
};

template <typename S>
CUTLINE_INLINE typename FloatBits<S>::Signed signed_magnitude(S score) {
    using U = typename FloatBits<S>::Unsigned;
    using I = typename FloatBits<S>::Signed;
    constexpr int last = sizeof(U) * 8 - 1;
    const U bits = std::bit_cast<U>(score);
    const I magnitude = static_cast<I>(bits & ~(U{1} << last));
    const I sign = static_cast<I>(bits) >> last;  // all ones below zero
    return (magnitude ^ sign) - sign;             // both zeros become 0
}

template <typename S>
CUTLINE_INLINE Range range_of(const S *score, size_t n) {
    using U = typename FloatBits<S>::Unsigned;
    using I = typename FloatBits<S>::Signed;
    I bottom = std::numeric_limits<I>::max(), top = std::numeric_limits<I>::min();
    U gap = std::numeric_limits<U>::max();
    for (size_t i = 0; i < n; ++i) {
        const I m = signed_magnitude(score[i]);
        bottom = std::min(bottom, m);
        top = std::max(top, m);
        const U magnitude = static_cast<U>(m < 0 ? -m : m);
        gap = std::min(gap, static_cast<U>(magnitude - 1));  // zero wraps around to the largest
    }
    return {bottom, top, gap};
}

// The map between a score and its place below the highest one; `Range` comes from the same scores.
template <typename S>
struct Coding {
    using U = typename FloatBits<S>::Unsigned;
    using I = typename FloatBits<S>::Signed;
    I gap, top;

    explicit Coding(const Range &range)
        : gap(range.gap == static_cast<uint64_t>(std::numeric_limits<U>::max()) ? 0 : static_cast<I>(range.gap)),
          top(squeezed(static_cast<I>(range.top))) {}

    // 0 stays, every other magnitude moves towards it by the gap.
    CUTLINE_INLINE I squeezed(I m) const {
        const I sign = m >> (sizeof(I) * 8 - 1);
        const I moved = m - ((gap ^ sign) - sign);
        return m == 0 ? 0 : moved;
    }
    CUTLINE_INLINE U below_top(S score) const {
        return static_cast<U>(top) - static_cast<U>(squeezed(signed_magnitude(score)));
    }
    CUTLINE_INLINE S score(U below) const {
        const I s = static_cast<I>(static_cast<U>(top) - below);
        const I m = s == 0 ? 0 : s < 0 ? s - gap : s + gap;
        const U magnitude = static_cast<U>(m < 0 ? -m : m);
        return std::bit_cast<S>(magnitude | (m < 0 ? U{1} << (sizeof(U) * 8 - 1) : U{0}));
    }
    // Bits that the place of the lowest score takes.
    int width(const Range &range) const {
        return std::bit_width(static_cast<U>(static_cast<U>(top) - static_cast<U>(squeezed(static_cast<I>(range.bottom)))));
    }
};

}  // namespace cutline
