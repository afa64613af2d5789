// Poisson bootstrap over the sorted rows: every row is drawn Poisson(1) times in each replicate (Chamandy et al. 2012), so a
// replicate is one pass and all figures of it belong to the same resampled rows. Replicates go through the rows together,
// kLanes at a time, lane by lane in SIMD registers. A lane's stream belongs to (seed, replicate) alone.

#pragma once

#include <cstring>

#include "sweep.hpp"

namespace cutline {

constexpr size_t kLanes = 32;

CUTLINE_INLINE uint64_t mix(uint64_t x) {  // splitmix64 (Steele, Lea & Flood 2014)
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

// Draws by inversion of 16-bit uniforms, four to a word of xorshift128+ (Vigna 2017).
class Draws {
  public:
    Draws(uint64_t seed, uint64_t block) {
        for (size_t j = 0; j < kWords; ++j) {
            a_[j] = mix(mix(seed) ^ mix(0x5851f42d4c957f2dULL + block * kWords + j));
            b_[j] = mix(a_[j]);
        }
    }
    CUTLINE_INLINE void next(uint16_t *times) {
        const Words word = a_ + b_, x = a_ ^ (a_ << 23);
        a_ = b_;
        b_ ^= x ^ (x >> 18) ^ (b_ >> 5);
        // -32768 + round(65536 P(X <= k)) for k = 0, 1, ...: signed, since comparing signed lanes is cheaper. Every limit
        // at or below the draw counts one; a comparison of lanes gives -1 where it holds.
        Lanes u, below{};
        std::memcpy(&u, &word, sizeof u);
        for (const int limit : {24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535})
            below += u >= static_cast<int16_t>(limit - 32768);
        below = -below;
        std::memcpy(times, &below, sizeof below);
    }

  private:
    static constexpr size_t kWords = kLanes / 4;
    typedef int16_t Lanes __attribute__((vector_size(2 * kLanes)));  // of GCC and Clang, for any processor
    typedef uint64_t Words __attribute__((vector_size(2 * kLanes)));
    Words a_, b_;
};

// What the figures of a block of replicates are made of.
struct Replicates {
    double *auc, *precision;  // one a replicate: ROC AUC, average precision
    uint32_t *counts;         // (replicate, cut, 2): positive and negative rows above the cut
    double *losses;           // (replicate, cut, columns): sums of the columns above the cut
    size_t replicates, cuts, columns;
};

// One block. `loss` has `columns` numbers a row, row by row; `cut` are numbers of rows, rising, the last one n.
template <typename K>
CUTLINE_INLINE void bootstrap_block(const K *keys, size_t n, const float *loss, const uint64_t *cut, uint64_t seed, uint64_t block,
                                    const Replicates &out) {
    constexpr size_t kMost = 4, kRows = 60;  // columns; rows until the 16-bit counters are emptied: 8 * 60 < 2^9
    Draws draws(seed, block);
    alignas(64) uint16_t w[kLanes], tp[kLanes]{}, fp[kLanes]{}, wrong[kLanes]{};
    alignas(64) uint32_t all_tp[kLanes]{}, all_fp[kLanes]{};
    alignas(64) uint64_t twice_wrong[kLanes]{};
    alignas(64) float base_tp[kLanes]{}, base_all[kLanes]{}, precision[kLanes]{}, part[kMost][kLanes]{};
    alignas(64) double precisions[kLanes]{}, sums[kMost][kLanes]{};
    size_t rows = 0;

    const auto flush = [&]() CUTLINE_LAMBDA {
        for (size_t l = 0; l < kLanes; ++l) {
            twice_wrong[l] += 2 * (uint64_t{tp[l]} * all_fp[l] + wrong[l]);
            all_tp[l] += tp[l], all_fp[l] += fp[l];
            base_tp[l] = static_cast<float>(all_tp[l]);
            base_all[l] = static_cast<float>(all_tp[l] + all_fp[l]);
            tp[l] = fp[l] = wrong[l] = 0;
            precisions[l] += precision[l], precision[l] = 0;
        }
        for (size_t c = 0; c < out.columns; ++c)
            for (size_t l = 0; l < kLanes; ++l) sums[c][l] += part[c][l], part[c][l] = 0;
        rows = 0;
    };
    const auto draw = [&](size_t i) CUTLINE_LAMBDA {
        if (++rows > kRows) flush(), rows = 1;
        draws.next(w);
        for (size_t c = 0; c < out.columns; ++c) {
            const float x = loss[i * out.columns + c];
            for (size_t l = 0; l < kLanes; ++l) part[c][l] += x * static_cast<float>(w[l]);
        }
    };

    size_t next = 0;
    for (size_t i = 0; i <= n;) {
        for (; next < out.cuts && cut[next] == i; ++next) {
            flush();
            for (size_t l = 0; l < kLanes && block * kLanes + l < out.replicates; ++l) {
                const size_t place = (block * kLanes + l) * out.cuts + next;
                out.counts[2 * place] = all_tp[l], out.counts[2 * place + 1] = all_fp[l];
                for (size_t c = 0; c < out.columns; ++c) out.losses[place * out.columns + c] = sums[c][l];
            }
        }
        if (i == n) break;
        if (i + 1 == n || keys[i + 1] >> 1 != keys[i] >> 1) {
            draw(i);
            if (keys[i] & 1) {
                for (size_t l = 0; l < kLanes; ++l) {
                    tp[l] += w[l];
                    wrong[l] += w[l] * fp[l];
                }
                for (size_t l = 0; l < kLanes; ++l) {
                    const float hit = base_tp[l] + static_cast<float>(tp[l]);
                    const float flagged = base_all[l] + static_cast<float>(static_cast<uint16_t>(tp[l] + fp[l]));
                    precision[l] += static_cast<float>(w[l]) * hit / std::max(flagged, 1.0f);
                }
            } else {
                for (size_t l = 0; l < kLanes; ++l) fp[l] += w[l];
            }
            ++i;
            continue;
        }
        flush();
        // A tie of several rows: its pairs and its precision follow from how many rows of each class were drawn.
        uint32_t tp0[kLanes], fp0[kLanes];
        uint64_t before[kLanes];
        std::memcpy(tp0, all_tp, sizeof tp0), std::memcpy(fp0, all_fp, sizeof fp0);
        std::memcpy(before, twice_wrong, sizeof before);
        for (const K place = keys[i] >> 1; i < n && keys[i] >> 1 == place; ++i) {
            draw(i);
            uint16_t *side = keys[i] & 1 ? tp : fp;
            for (size_t l = 0; l < kLanes; ++l) side[l] += w[l];
        }
        flush();
        for (size_t l = 0; l < kLanes; ++l) {
            const uint64_t p = all_tp[l] - tp0[l], q = all_fp[l] - fp0[l];
            twice_wrong[l] = before[l] + p * (2 * uint64_t{fp0[l]} + q);
            const double flagged = all_tp[l] + static_cast<double>(all_fp[l]);
            precisions[l] += p ? static_cast<double>(p) * all_tp[l] / flagged : 0.0;
        }
    }
    for (size_t l = 0; l < kLanes && block * kLanes + l < out.replicates; ++l) {
        const double p = all_tp[l], q = all_fp[l], nan = std::numeric_limits<double>::quiet_NaN();
        out.auc[block * kLanes + l] = p && q ? 1 - static_cast<double>(twice_wrong[l]) / (2 * p * q) : nan;
        out.precision[block * kLanes + l] = p ? precisions[l] / p : nan;
    }
}

// The same for rows with weights of their own; a row counts its weight times the times it is drawn. Sums are float64:
// `weights` takes the place of `counts`: sums of w over positives and negatives.
template <typename K>
void bootstrap_weighted_block(const K *keys, const double *weight, size_t n, const float *loss, const uint64_t *cut, uint64_t seed,
                              uint64_t block, double *weights, const Replicates &out) {
    constexpr size_t kMost = 4;
    Draws draws(seed, block);
    uint16_t times[kLanes];
    double tp[kLanes]{}, fp[kLanes]{}, p[kLanes], q[kLanes], right[kLanes]{}, wrong[kLanes]{}, precision[kLanes]{}, sums[kMost][kLanes]{};
    size_t next = 0;
    for (size_t i = 0; i <= n;) {
        for (; next < out.cuts && cut[next] == i; ++next)
            for (size_t l = 0; l < kLanes && block * kLanes + l < out.replicates; ++l) {
                const size_t place = (block * kLanes + l) * out.cuts + next;
                weights[2 * place] = tp[l], weights[2 * place + 1] = fp[l];
                for (size_t c = 0; c < out.columns; ++c) out.losses[place * out.columns + c] = sums[c][l];
            }
        if (i == n) break;
        std::fill_n(p, kLanes, 0.0), std::fill_n(q, kLanes, 0.0);
        for (const K place = keys[i] >> 1; i < n && keys[i] >> 1 == place; ++i) {
            draws.next(times);
            double *side = keys[i] & 1 ? p : q;
            for (size_t l = 0; l < kLanes; ++l) side[l] += weight[i] * times[l];
            for (size_t c = 0; c < out.columns; ++c)
                for (size_t l = 0; l < kLanes; ++l) sums[c][l] += weight[i] * times[l] * double{loss[i * out.columns + c]};
        }
        for (size_t l = 0; l < kLanes; ++l) {
            right[l] += q[l] * (2 * tp[l] + p[l]), wrong[l] += p[l] * (2 * fp[l] + q[l]);
            tp[l] += p[l], fp[l] += q[l];
            if (p[l] > 0) precision[l] += p[l] * (tp[l] / (tp[l] + fp[l]));
        }
    }
    for (size_t l = 0; l < kLanes && block * kLanes + l < out.replicates; ++l) {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        out.auc[block * kLanes + l] = right[l] + wrong[l] > 0 ? right[l] / (right[l] + wrong[l]) : nan;
        out.precision[block * kLanes + l] = tp[l] > 0 ? precision[l] / tp[l] : nan;
    }
}

}  // namespace cutline
