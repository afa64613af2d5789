// What is read off the sorted rows. A key is (place below the highest score) << 1 | label, ascending: the highest score
// first, and among equal scores the negatives before the positives.

#pragma once

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "keys.hpp"

namespace cutline {

// Pairs of a positive and a negative row: all positives, pairs where the negative stands at or before the positive, and
// pairs of equal scores. Counts of pairs stay below 2^64 up to 8.5e9 rows.
struct Pairs {
    uint64_t positives = 0, not_above = 0, tied = 0;
};

// First index from which on the key is no longer `key`, or the last one back to which it is: gallop, then bisect.
template <typename K>
size_t run_end(const K *keys, size_t i, size_t n) {
    size_t step = 1;
    while (i + step < n && keys[i + step] == keys[i]) step *= 2;
    return std::upper_bound(keys + i + step / 2, keys + std::min(n, i + step), keys[i]) - keys;
}
template <typename K>
size_t run_begin(const K *keys, size_t i) {
    size_t step = 1;
    while (step <= i && keys[i - step] == keys[i]) step *= 2;
    return std::lower_bound(keys + (step > i ? 0 : i - step), keys + i, keys[i]) - keys;
}

// For a stretch of the rows, without a branch: in `not_above` the sum of the places of the positives, from which their
// count of negatives before follows once all are known. A tie of both classes is one step from an even key to the next
// odd one, and those are looked up one by one.
template <typename K>
CUTLINE_INLINE Pairs pairs_of(const K *keys, size_t n, size_t from, size_t to) {
    constexpr size_t kBlock = 1024;
    Pairs out;
    for (size_t start = from; start < to; start += kBlock) {
        const size_t end = std::min(to, start + kBlock);
        uint32_t here = 0, count = 0, ties = 0;
        for (size_t i = start; i < end; ++i) {
            const auto label = static_cast<uint32_t>(keys[i] & 1);
            count += label;
            here += static_cast<uint32_t>(i - start) & (0 - label);
        }
        for (size_t i = start; i < std::min(end, n - 1); ++i)
            ties += static_cast<uint32_t>((keys[i + 1] - keys[i] == 1) & ~keys[i] & 1);
        out.not_above += here + static_cast<uint64_t>(count) * start;
        out.positives += count;
        for (size_t i = start; ties; ++i)
            if (keys[i + 1] - keys[i] == 1 && !(keys[i] & 1)) {
                --ties;
                out.tied += static_cast<uint64_t>(i + 1 - run_begin(keys, i)) * (run_end(keys, i + 1, n) - i - 1);
            }
    }
    return out;
}

// Compensated (Neumaier): a long cumulative sum must not drift.
struct Sum {
    double value = 0, lost = 0;
    CUTLINE_INLINE void add(double x) {
        const double next = value + x;
        lost += std::abs(value) >= std::abs(x) ? (value - next) + x : (x - next) + value;
        value = next;
    }
    operator double() const { return value + lost; }
};

// Sums of sums, several at a time: short ones first, so that the error grows with the root of the count.
template <size_t N>
struct BlockSums {
    std::array<double, N> total{}, part{};
    uint32_t count = 0;
    CUTLINE_INLINE void add(const std::array<double, N> &x) {
        for (size_t i = 0; i < N; ++i) part[i] += x[i];
        if (++count % 256 == 0)
            for (size_t i = 0; i < N; ++i) total[i] += std::exchange(part[i], 0.0);
    }
    double operator[](size_t i) const { return total[i] + part[i]; }
};

// The rows of one distinct score: of each class (0 negative, 1 positive) their number, weights and squared weights.
struct Group {
    std::array<double, 2> rows{}, weight{}, square{};
};

// Calls each(group) for every distinct score, the highest first. Most groups are one row, whose label is a coin toss
// that no branch should depend on.
template <typename K, typename F>
CUTLINE_INLINE void for_groups(const K *keys, const double *weight, size_t n, F &&each) {
    const auto row = [&](size_t i) {
        const double positive = static_cast<double>(keys[i] & 1), w = weight[i], w1 = w * positive, w0 = w - w1;
        return Group{{1 - positive, positive}, {w0, w1}, {w0 * w, w1 * w}};
    };
    for (size_t i = 0; i < n;) {
        Group g = row(i);
        const K place = keys[i] >> 1;
        for (++i; i < n && keys[i] >> 1 == place; ++i) {
            const Group more = row(i);
            for (int label = 0; label < 2; ++label) {
                g.rows[label] += more.rows[label];
                g.weight[label] += more.weight[label];
                g.square[label] += more.square[label];
            }
        }
        each(g);
    }
}

// Without weights: most groups are one row, large ones are found by their ends.
template <typename K, typename F>
CUTLINE_INLINE void for_groups(const K *keys, size_t n, F &&each) {
    for (size_t i = 0; i < n;) {
        double rows[2];
        if (i + 1 == n || keys[i + 1] >> 1 != keys[i] >> 1) {
            rows[1] = static_cast<double>(keys[i] & 1), rows[0] = 1 - rows[1];
            ++i;
        } else {
            size_t first = i, end = run_end(keys, i, n);
            if (!(keys[i] & 1)) {
                first = end;
                if (end < n && keys[end] >> 1 == keys[i] >> 1) end = run_end(keys, end, n);
            }
            rows[0] = static_cast<double>(first - i), rows[1] = static_cast<double>(end - first);
            i = end;
        }
        const std::array<double, 2> both{rows[0], rows[1]};
        each(Group{both, both, both});
    }
}

// The same groups, of a table that is already cumulated; `sums` has w and w^2 of positives and negatives, or is null.
template <typename F>
void for_groups(const int64_t *tp, const int64_t *fp, const std::array<const double *, 4> &sums, size_t m, F &&each) {
    for (size_t i = 1; i < m; ++i) {
        Group g;
        g.rows = {static_cast<double>(fp[i] - fp[i - 1]), static_cast<double>(tp[i] - tp[i - 1])};
        for (int label = 0; label < 2; ++label) {
            const double *w = sums[label ? 0 : 1], *w2 = sums[label ? 2 : 3];
            g.weight[label] = w ? w[i] - w[i - 1] : g.rows[label];
            g.square[label] = w2 ? w2[i] - w2[i - 1] : g.rows[label];
        }
        each(g);
    }
}

// A cumulative sum of weights: compensated every 64 terms, which keeps it within some ulps at the price of one addition.
struct Cumulative {
    Sum base;
    double part = 0;
    uint32_t count = 0;
    CUTLINE_INLINE void add(double x) {
        part += x;
        if (++count % 64 == 0) base.add(std::exchange(part, 0.0));
    }
    operator double() const { return base + part; }
};

// A cumulative sum: of counts as it is (exact to 2^53), of weights compensated.
template <bool Weighted>
using Running = std::conditional_t<Weighted, Cumulative, double>;
CUTLINE_INLINE void advance(double &sum, double x) { sum += x; }
CUTLINE_INLINE void advance(Cumulative &sum, double x) { sum.add(x); }

// Everything about the order that is one number.
struct Ranking {
    double positives = 0, negatives = 0;                // sums of weights
    double square_positives = 0, square_negatives = 0;  // of squared weights
    double rows_positive = 0, rows_negative = 0;
    double right = 0, wrong = 0;  // twice the weight of pairs in the right and in the wrong order, a tie counting to both
    double spread_positive = 0, spread_negative = 0;  // sum of w^2 (placement - AUC)^2 over each class
    double average_precision = 0;                     // mean over the positives, by weight, of the precision at their score
    double ks = 0;                                    // largest |TPR - FPR|
};

// The first pass: totals and pairs. visit(each) calls each(group) from the highest score to the lowest.
template <bool Weighted, typename Visit>
CUTLINE_INLINE Ranking totals_of(Visit &&visit) {
    Ranking r;
    Running<Weighted> tp{}, fp{}, p2{}, q2{};
    BlockSums<2> pairs;
    visit([&](const Group &g) {
        pairs.add({g.weight[0] * (2 * tp + g.weight[1]), g.weight[1] * (2 * fp + g.weight[0])});
        advance(tp, g.weight[1]), advance(fp, g.weight[0]);
        advance(p2, g.square[1]), advance(q2, g.square[0]);
        r.rows_positive += g.rows[1], r.rows_negative += g.rows[0];
    });
    r.positives = tp, r.negatives = fp, r.square_positives = p2, r.square_negatives = q2;
    r.right = pairs[0], r.wrong = pairs[1];
    return r;
}

// The second pass, which needs the totals and the AUC.
template <bool Weighted, typename Visit>
CUTLINE_INLINE void spread_of(Ranking &r, Visit &&visit) {
    const double auc = r.right / (r.right + r.wrong), half_p = 0.5 / r.positives, half_n = 0.5 / r.negatives;
    BlockSums<4> sums;  // spreads, precision, weight; the last two summed alike: a perfect order gives exactly 1
    Running<Weighted> running_tp{}, running_fp{};
    double tp = 0, fp = 0, best = 0;
    visit([&](const Group &g) {
        const double tp0 = tp, fp0 = fp;
        advance(running_tp, g.weight[1]), advance(running_fp, g.weight[0]);
        tp = running_tp, fp = running_fp;
        const double positive = 1 - (fp + fp0) * half_n - auc, negative = (tp + tp0) * half_p - auc;
        const double flagged = tp + fp;
        sums.add({g.square[1] * positive * positive, g.square[0] * negative * negative,
                  g.weight[1] * (tp / (flagged > 0 ? flagged : 1)), g.weight[1]});
        best = std::max(best, std::abs(tp * half_p - fp * half_n));
    });
    r.spread_positive = sums[0], r.spread_negative = sums[1], r.average_precision = sums[2] / sums[3], r.ks = 2 * best;
}

// The table of all thresholds: row 0 is +inf, nobody; then every distinct score. With weights, sums has four numbers a
// row: w of positives, of negatives, w^2 of positives, of negatives.
template <typename K>
CUTLINE_INLINE size_t count_groups(const K *keys, size_t n) {
    size_t count = n > 0;
    for (size_t i = 1; i < n; ++i) count += (keys[i] >> 1) != (keys[i - 1] >> 1);
    return count;
}

template <typename K, typename ScoreOf>
CUTLINE_INLINE void fill_table(const K *keys, size_t n, double *threshold, int64_t *tp, int64_t *fp, ScoreOf &&score_of) {
    threshold[0] = std::numeric_limits<double>::infinity();
    int64_t positives = tp[0] = fp[0] = 0;
    size_t row = 1;
    for (size_t i = 0; i < n; ++i) {
        positives += static_cast<int64_t>(keys[i] & 1);
        tp[row] = positives;  // written over until the last row of the group is reached
        fp[row] = static_cast<int64_t>(i + 1) - positives;
        threshold[row] = score_of(keys[i] >> 1);
        row += i + 1 < n && keys[i + 1] >> 1 != keys[i] >> 1;
    }
}

template <typename K>
void fill_sums(const K *keys, const double *weight, size_t n, double *sums) {
    std::array<Sum, 4> sum;
    for (size_t slot = 0; slot < 4; ++slot) sums[slot] = 0;
    size_t row = 1;
    for (size_t i = 0; i < n; ++i) {
        const size_t of = keys[i] & 1 ? 0 : 1;
        sum[of].add(weight[i]), sum[of + 2].add(weight[i] * weight[i]);
        for (size_t slot = 0; slot < 4; ++slot) sums[4 * row + slot] = sum[slot];
        row += i + 1 < n && keys[i + 1] >> 1 != keys[i] >> 1;
    }
}

}  // namespace cutline
