// The compiled kernels. Arrays in, arrays out: no policy, no validation beyond what memory safety needs.
// The caller (core/__init__.py) passes contiguous arrays of equal lengths with finite scores.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/tuple.h>

#include <thread>
#include <tuple>
#include <vector>

#include "bootstrap.hpp"
#include "keys.hpp"
#include "sweep.hpp"

namespace nb = nanobind;
using namespace cutline;

namespace {

template <typename T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Mut = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// An array that may be absent comes empty.

// --- scores to keys ---------------------------------------------------------------------------

// (bottom, top, gap): see Range. As Python integers they pass through unchanged.
using RangeTuple = std::tuple<int64_t, int64_t, uint64_t>;
Range unpacked(const RangeTuple &t) { return {std::get<0>(t), std::get<1>(t), std::get<2>(t)}; }
RangeTuple packed(const Range &r) { return {r.bottom, r.top, r.gap}; }

// Work on n rows in equal parts, one a thread; the first part on this one.
template <typename F>
void in_parts(size_t n, unsigned threads, F &&work) {
    std::vector<std::thread> pool;
    for (unsigned t = 1; t < threads; ++t)
        pool.emplace_back([&, t] { work(t, n * t / threads, n * (t + 1) / threads); });
    work(0u, size_t{0}, n / threads);
    for (auto &thread : pool) thread.join();
}

CUTLINE_DISPATCH(Range, range_, (const float *score, size_t n), (score, n), range_of(score, n))
CUTLINE_DISPATCH(Range, range_, (const double *score, size_t n), (score, n), range_of(score, n))

template <typename S>
RangeTuple range(In<S> score, unsigned threads) {
    nb::gil_scoped_release release;
    std::vector<Range> part(threads);
    in_parts(score.size(), threads, [&](unsigned t, size_t from, size_t to) { part[t] = range_(score.data() + from, to - from); });
    for (unsigned t = 1; t < threads; ++t) part[0].join(part[t]);
    return packed(part[0]);
}

// A copy and its range in one pass over the memory.
template <typename S>
RangeTuple copy(In<S> from, Mut<S> to, unsigned threads) {
    nb::gil_scoped_release release;
    constexpr size_t kBlock = 4096;
    std::vector<Range> part(threads);
    in_parts(from.size(), threads, [&](unsigned t, size_t i, size_t end) {
        for (; i < end; i += kBlock) {
            const size_t size = std::min(kBlock, end - i);
            std::copy_n(from.data() + i, size, to.data() + i);
            part[t].join(range_(to.data() + i, size));
        }
    });
    for (unsigned t = 1; t < threads; ++t) part[0].join(part[t]);
    return packed(part[0]);
}

template <typename S, typename K>
CUTLINE_INLINE void pack_loop(const S *score, const uint8_t *positive, const Coding<S> &coding, size_t n, K *keys) {
    for (size_t i = 0; i < n; ++i) keys[i] = static_cast<K>(coding.below_top(score[i]) << 1) | positive[i];
}
CUTLINE_DISPATCH(void, pack_, (const float *s, const uint8_t *y, const Coding<float> &c, size_t n, uint32_t *k), (s, y, c, n, k), pack_loop(s, y, c, n, k))
CUTLINE_DISPATCH(void, pack_, (const double *s, const uint8_t *y, const Coding<double> &c, size_t n, uint64_t *k), (s, y, c, n, k), pack_loop(s, y, c, n, k))

template <typename S>
void pack(In<S> score, In<uint8_t> positive, RangeTuple range, Mut<typename FloatBits<S>::Unsigned> keys) {
    nb::gil_scoped_release release;
    pack_(score.data(), positive.data(), Coding<S>(unpacked(range)), score.size(), keys.data());
}

template <typename K>
CUTLINE_INLINE size_t count_from(const K *keys, size_t n, K least) {
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) count += keys[i] >= least;
    return count;
}
CUTLINE_DISPATCH(size_t, count_from_, (const uint32_t *k, size_t n, uint32_t l), (k, n, l), count_from(k, n, l))
CUTLINE_DISPATCH(size_t, count_from_, (const uint64_t *k, size_t n, uint64_t l), (k, n, l), count_from(k, n, l))

// The same, laid out in `splitters.size() + 1` stretches of rising keys, each to be sorted on its own.
// Returns where each stretch ends. Two passes: count, then write; every thread has its own place in every stretch.
template <typename S>
std::vector<size_t> pack_apart(const S *score, const uint8_t *positive, const Coding<S> &coding, size_t n,
                               const std::vector<typename FloatBits<S>::Unsigned> &splitters, unsigned threads,
                               typename FloatBits<S>::Unsigned *keys) {
    using K = typename FloatBits<S>::Unsigned;
    const size_t parts = splitters.size() + 1;
    constexpr size_t kBlock = 2048;
    std::vector<std::vector<size_t>> place(threads, std::vector<size_t>(parts));
    const auto each = [&](size_t from, size_t to, auto &&use) {
        std::array<K, kBlock> block;
        for (size_t i = from; i < to; i += kBlock) {
            const size_t size = std::min(kBlock, to - i);
            pack_(score + i, positive + i, coding, size, block.data());
            use(block.data(), size);
        }
    };
    in_parts(n, threads, [&](unsigned t, size_t from, size_t to) {
        std::vector<size_t> &count = place[t];
        count[0] = to - from;
        each(from, to, [&](const K *block, size_t size) {
            for (size_t part = 1; part < parts; ++part) {
                const size_t above = count_from_(block, size, splitters[part - 1]);
                count[part] += above, count[part - 1] -= above;
            }
        });
    });
    std::vector<size_t> ends;
    size_t start = 0;
    for (size_t part = 0; part < parts; ++part) {
        for (auto &mine : place) start += std::exchange(mine[part], start);
        ends.push_back(start);
    }
    in_parts(n, threads, [&](unsigned t, size_t from, size_t to) {
        std::vector<size_t> next = place[t];
        if (parts == 2) {  // two places fit in registers
            size_t low = next[0], high = next[1];
            const K splitter = splitters[0];
            each(from, to, [&](const K *block, size_t size) {
                for (size_t j = 0; j < size; ++j) {
                    const size_t above = block[j] >= splitter;
                    keys[low ^ ((low ^ high) & (0 - above))] = block[j];  // no branch: it would be a coin toss
                    high += above, low += 1 - above;
                }
            });
            return;
        }
        each(from, to, [&](const K *block, size_t size) {
            for (size_t j = 0; j < size; ++j) {
                size_t part = 0;
                for (const K s : splitters) part += block[j] >= s;
                keys[next[part]++] = block[j];
            }
        });
    });
    return ends;
}

template <typename S>
nb::list pack_parts(In<S> score, In<uint8_t> positive, RangeTuple range, Mut<typename FloatBits<S>::Unsigned> keys,
                    unsigned threads) {
    using K = typename FloatBits<S>::Unsigned;
    std::vector<size_t> ends;
    {
        nb::gil_scoped_release release;
        const Coding<S> coding(unpacked(range));
        const size_t n = score.size(), many = std::min<size_t>(n, 1024);
        std::vector<K> sample(many);
        for (size_t i = 0; i < many; ++i) {
            const size_t row = i * (n / many);
            pack_(score.data() + row, positive.data() + row, coding, 1, &sample[i]);
        }
        std::sort(sample.begin(), sample.end());
        std::vector<K> splitters;
        for (unsigned t = 1; t < threads; ++t) splitters.push_back(sample[many * t / threads]);
        ends = pack_apart(score.data(), positive.data(), coding, n, splitters, threads, keys.data());
    }
    nb::list out;
    for (const size_t end : ends) out.append(end);
    return out;
}

template <typename S>
int width(RangeTuple range) {
    return Coding<S>(unpacked(range)).width(unpacked(range));
}

// Rows to look ahead when visiting memory out of order.
constexpr size_t kAhead = 24;

// Sortable rows: the place below the top without its lowest `drop` bits, then the label, then the row number.
template <typename S>
CUTLINE_INLINE void index_loop(const S *score, const uint8_t *positive, const Coding<S> &coding, int drop, int bits, size_t n,
                               uint64_t *out) {
    for (size_t i = 0; i < n; ++i)
        out[i] = ((uint64_t{coding.below_top(score[i])} >> drop) << 1 | positive[i]) << bits | i;
}
CUTLINE_DISPATCH(void, index_, (const float *s, const uint8_t *y, const Coding<float> &c, int d, int b, size_t n, uint64_t *o),
                 (s, y, c, d, b, n, o), index_loop(s, y, c, d, b, n, o))
CUTLINE_DISPATCH(void, index_, (const double *s, const uint8_t *y, const Coding<double> &c, int d, int b, size_t n, uint64_t *o),
                 (s, y, c, d, b, n, o), index_loop(s, y, c, d, b, n, o))

template <typename S>
void pack_index(In<S> score, In<uint8_t> positive, RangeTuple range, int drop, int bits, Mut<uint64_t> out) {
    nb::gil_scoped_release release;
    index_(score.data(), positive.data(), Coding<S>(unpacked(range)), drop, bits, score.size(), out.data());
}

// Places (times two plus label, where `labelled`) of the sorted rows: out of the row itself, or where bits were dropped
// by a visit to the score. Returns whether some neighbours look alike though bits were dropped.
template <typename S>
CUTLINE_INLINE bool places_loop(const uint64_t *row, const S *score, const Coding<S> &coding, int drop, int bits, bool labelled,
                                size_t n, typename FloatBits<S>::Unsigned *keys) {
    using U = typename FloatBits<S>::Unsigned;
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    if (!drop) {
        for (size_t i = 0; i < n; ++i) keys[i] = static_cast<U>(labelled ? row[i] >> bits : row[i] >> bits >> 1);
        return false;
    }
    constexpr size_t kBlock = 256;
    S block[kBlock];
    uint64_t alike = 0;
    for (size_t i = 0; i < n; i += kBlock) {
        const size_t size = std::min(kBlock, n - i);
        for (size_t j = 0; j < size; ++j) block[j] = score[row[i + j] & mask];
        for (size_t j = 0; j < size; ++j) {
            const U place = coding.below_top(block[j]);
            keys[i + j] = labelled ? place << 1 | static_cast<U>(row[i + j] >> bits & 1) : place;
        }
        for (size_t j = i > 0 ? 0 : 1; j < size; ++j) alike |= row[i + j] >> bits >> 1 == row[i + j - 1] >> bits >> 1;
    }
    return alike;
}
CUTLINE_DISPATCH(bool, places_, (const uint64_t *r, const float *s, const Coding<float> &c, int d, int b, bool l, size_t n, uint32_t *k),
                 (r, s, c, d, b, l, n, k), places_loop(r, s, c, d, b, l, n, k))
CUTLINE_DISPATCH(bool, places_, (const uint64_t *r, const double *s, const Coding<double> &c, int d, int b, bool l, size_t n, uint64_t *k),
                 (r, s, c, d, b, l, n, k), places_loop(r, s, c, d, b, l, n, k))

// Keys of the sorted `pack_index` rows. Rows that look alike because bits were dropped are put in order by their whole
// place, in `sorted` too. Where a place leaves no bit for the label, keys are ranks and `values` the distinct scores;
// returns how many.
template <typename S>
size_t unpack_index(Mut<uint64_t> sorted, In<S> score, RangeTuple range, int drop, int bits,
                    Mut<typename FloatBits<S>::Unsigned> keys, Mut<S> values) {
    using U = typename FloatBits<S>::Unsigned;
    nb::gil_scoped_release release;
    const Coding<S> coding(unpacked(range));
    const size_t n = sorted.size();
    const bool ranks = values.size() > 0;
    uint64_t *row = sorted.data();
    U *key = keys.data();
    if (places_(row, score.data(), coding, drop, bits, !ranks, n, key)) {
        std::vector<std::pair<U, uint64_t>> run;
        for (size_t i = 0, end; i < n; i = end) {
            const uint64_t prefix = row[i] >> bits >> 1;
            for (end = i + 1; end < n && row[end] >> bits >> 1 == prefix;) ++end;
            if (std::is_sorted(key + i, key + end)) continue;
            run.clear();
            for (size_t j = i; j < end; ++j) run.emplace_back(key[j], row[j]);
            std::sort(run.begin(), run.end());
            for (size_t j = i; j < end; ++j) std::tie(key[j], row[j]) = run[j - i];
        }
    }
    size_t rank = 0;
    U last = 0;
    for (size_t i = 0; ranks && i < n; ++i) {
        rank += i > 0 && key[i] != last;
        last = key[i];
        values.data()[rank] = coding.score(last);
        key[i] = static_cast<U>(rank) << 1 | static_cast<U>(row[i] >> bits & 1);
    }
    return rank + 1;
}

// Weights in the order of the sorted rows, in the place of these.
void gather(Mut<uint64_t> sorted, In<double> weight, int bits) {
    nb::gil_scoped_release release;
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    uint64_t *row = sorted.data();
    for (size_t i = 0, n = sorted.size(); i < n; ++i) {
        if (i + kAhead < n) CUTLINE_PREFETCH(weight.data() + (row[i + kAhead] & mask));
        row[i] = std::bit_cast<uint64_t>(weight.data()[row[i] & mask]);
    }
}

// The numbers of the sorted rows.
void row_numbers(In<uint64_t> sorted, int bits, Mut<uint32_t> out) {
    nb::gil_scoped_release release;
    const uint64_t mask = (uint64_t{1} << bits) - 1;
    for (size_t i = 0; i < sorted.size(); ++i) out.data()[i] = static_cast<uint32_t>(sorted.data()[i] & mask);
}

// For a range that leaves no bit for the label: scores from 0 up fill the front of `keys`, the others the back, as
// magnitudes with labels, each to be sorted on its own; returns how many are in front.
template <typename S>
size_t pack_by_sign(In<S> score, In<uint8_t> positive, Mut<typename FloatBits<S>::Unsigned> keys) {
    using U = typename FloatBits<S>::Unsigned;
    nb::gil_scoped_release release;
    constexpr U kLargest = std::numeric_limits<U>::max() >> 1;
    const size_t n = score.size();
    std::array<size_t, 2> next{0, n - 1};  // no branch: a sign is a coin toss
    for (size_t i = 0; i < n; ++i) {
        const auto m = signed_magnitude(score.data()[i]);
        const size_t below = m < 0;
        const U place = (0 - static_cast<U>(m)) + (below ? 0 : kLargest);
        keys.data()[next[below]] = place << 1 | positive.data()[i];
        next[below] += 1 - 2 * below;
    }
    return next[0];
}

// Both sorted parts of `pack_by_sign` made one: ranks with labels, and the distinct scores by rank.
template <typename S>
size_t rank_by_sign(Mut<typename FloatBits<S>::Unsigned> keys, size_t front, Mut<S> values) {
    using U = typename FloatBits<S>::Unsigned;
    nb::gil_scoped_release release;
    constexpr U kLargest = std::numeric_limits<U>::max() >> 1, kSign = ~kLargest;
    U *key = keys.data();
    S *value = values.data() - 1;
    U distinct = 0;
    const auto number = [&](size_t from, size_t to, auto &&score_of) {
        U last = 0;
        for (size_t i = from; i < to; ++i) {
            const U place = key[i] >> 1, label = key[i] & 1;
            distinct += i == from || place != last;
            last = place;
            value[distinct] = std::bit_cast<S>(score_of(place));
            key[i] = (distinct - 1) << 1 | label;
        }
    };
    number(0, front, [](U place) { return kLargest - place; });
    number(front, keys.size(), [](U place) { return place | kSign; });
    return distinct;
}

// --- keys to figures --------------------------------------------------------------------------

CUTLINE_DISPATCH(Pairs, pairs_, (const uint32_t *k, size_t n, size_t i, size_t j), (k, n, i, j), pairs_of(k, n, i, j))
CUTLINE_DISPATCH(Pairs, pairs_, (const uint64_t *k, size_t n, size_t i, size_t j), (k, n, i, j), pairs_of(k, n, i, j))

using RankingArray = std::array<double, 12>;
RankingArray as_array(const Ranking &r) {
    return {r.positives,       r.negatives, r.square_positives, r.square_negatives, r.rows_positive,   r.rows_negative,
            r.right,           r.wrong,     r.spread_positive,  r.spread_negative,  r.average_precision, r.ks};
}

// Without weights the totals are counts of pairs, which are exact.
template <typename K>
Ranking totals(const K *keys, size_t n, unsigned threads) {
    std::vector<Pairs> part(threads);
    in_parts(n, threads, [&](unsigned t, size_t from, size_t to) { part[t] = pairs_(keys, n, from, to); });
    Pairs found;
    for (const Pairs &each : part) found.positives += each.positives, found.not_above += each.not_above, found.tied += each.tied;
    const uint64_t p = found.positives, q = n - p;
    found.not_above -= p % 2 ? p * ((p - 1) / 2) : p / 2 * (p - 1);  // places less those of the positives among themselves
    Ranking r;
    r.positives = r.square_positives = r.rows_positive = static_cast<double>(p);
    r.negatives = r.square_negatives = r.rows_negative = static_cast<double>(q);
    r.right = 2 * static_cast<double>(p * q - found.not_above) + static_cast<double>(found.tied);
    r.wrong = 2 * static_cast<double>(found.not_above) - static_cast<double>(found.tied);
    return r;
}

// `full` asks for the second pass.
template <typename K>
RankingArray ranking(In<K> keys, In<double> weight, bool full, unsigned threads) {
    nb::gil_scoped_release release;
    const K *k = keys.data();
    const size_t n = keys.size();
    if (weight.size()) {
        const auto visit = [&](auto &&each) { for_groups(k, weight.data(), n, each); };
        Ranking r = totals_of<true>(visit);
        if (full) spread_of<true>(r, visit);
        return as_array(r);
    }
    Ranking r = totals(k, n, threads);
    if (full) spread_of<false>(r, [&](auto &&each) { for_groups(k, n, each); });
    return as_array(r);
}

RankingArray ranking_of_table(In<int64_t> tp, In<int64_t> fp, std::array<In<double>, 4> sums) {
    std::array<const double *, 4> s{};
    for (size_t i = 0; i < 4; ++i) s[i] = sums[i].size() ? sums[i].data() : nullptr;
    nb::gil_scoped_release release;
    const auto visit = [&](auto &&each) { for_groups(tp.data(), fp.data(), s, tp.size(), each); };
    Ranking r = totals_of<true>(visit);
    spread_of<true>(r, visit);
    return as_array(r);
}

CUTLINE_DISPATCH(size_t, groups_, (const uint32_t *k, size_t n), (k, n), count_groups(k, n))
CUTLINE_DISPATCH(size_t, groups_, (const uint64_t *k, size_t n), (k, n), count_groups(k, n))


template <typename K>
CUTLINE_INLINE uint64_t count_labels(const K *keys, size_t n) {
    uint64_t count = 0;
    for (size_t i = 0; i < n; ++i) count += keys[i] & 1;
    return count;
}
CUTLINE_DISPATCH(uint64_t, labels_, (const uint32_t *k, size_t n), (k, n), count_labels(k, n))
CUTLINE_DISPATCH(uint64_t, labels_, (const uint64_t *k, size_t n), (k, n), count_labels(k, n))

template <typename K>
size_t group_count(In<K> keys) {
    nb::gil_scoped_release release;
    return groups_(keys.data(), keys.size());
}

// Scores of places: by the coding of their type, or looked up among `values`.
template <typename S, typename K>
void fill(In<K> keys, RangeTuple range, In<S> values, Mut<double> threshold, Mut<int64_t> tp,
          Mut<int64_t> fp) {
    const S *named = values.size() ? values.data() : nullptr;
    nb::gil_scoped_release release;
    if (named) {
        fill_table(keys.data(), keys.size(), threshold.data(), tp.data(), fp.data(), [=](K place) { return named[place]; });
        return;
    }
    const Coding<S> coding(unpacked(range));
    fill_table(keys.data(), keys.size(), threshold.data(), tp.data(), fp.data(),
               [&](K place) { return static_cast<double>(coding.score(static_cast<typename FloatBits<S>::Unsigned>(place))); });
}

CUTLINE_INLINE void divide_block(const double *hit, const double *all, double p, double q, size_t n, double *tpr, double *fpr,
                                 double *precision) {
    for (size_t i = 0; i < n; ++i) tpr[i] = hit[i] / p, fpr[i] = (all[i] - hit[i]) / q, precision[i] = hit[i] / all[i];
}
CUTLINE_DISPATCH(void, divide_, (const double *h, const double *a, double p, double q, size_t n, double *t, double *f, double *r),
                 (h, a, p, q, n, t, f, r), divide_block(h, a, p, q, n, t, f, r))

// Rates at every distinct score, after a first row for nobody: score, TPR, FPR, precision.
template <typename S, typename K>
void rates(In<K> keys, RangeTuple range, In<S> values, double positives, double negatives, Mut<double> threshold,
           Mut<double> tpr, Mut<double> fpr, Mut<double> precision) {
    nb::gil_scoped_release release;
    constexpr size_t kBlock = 1024;
    const Coding<S> coding(unpacked(range));
    const K *k = keys.data();
    const size_t n = keys.size();
    double hit[kBlock], all[kBlock];
    threshold.data()[0] = std::numeric_limits<double>::infinity();
    hit[0] = all[0] = 0;
    divide_(hit, all, positives, negatives, 1, tpr.data(), fpr.data(), precision.data());
    uint64_t tp = 0;
    for (size_t i = 0, row = 1; i < n;) {
        size_t filled = 0;
        for (; i < n && filled < kBlock; ++i) {
            tp += k[i] & 1;
            hit[filled] = static_cast<double>(tp), all[filled] = static_cast<double>(i + 1);
            const K place = k[i] >> 1;
            threshold.data()[row + filled] =
                values.size() ? static_cast<double>(values.data()[place])
                              : static_cast<double>(coding.score(static_cast<typename FloatBits<S>::Unsigned>(place)));
            filled += i + 1 == n || k[i + 1] >> 1 != place;
        }
        divide_(hit, all, positives, negatives, filled, tpr.data() + row, fpr.data() + row, precision.data() + row);
        row += filled;
    }
}

template <typename K>
void sums(In<K> keys, In<double> weight, Mut<double> out) {
    nb::gil_scoped_release release;
    fill_sums(keys.data(), weight.data(), keys.size(), out.data());
}

// For each threshold, six numbers over the rows with a score at or above it: rows, positive rows, and the sums of w of
// positives, of negatives, of w^2 of positives, of negatives. Thresholds come from high to low.
template <typename S, typename K>
void cuts(In<K> keys, RangeTuple range, In<S> values, In<double> weight, In<double> at, Mut<double> out) {
    nb::gil_scoped_release release;
    const K *k = keys.data();
    const Coding<S> coding(unpacked(range));
    const auto score_of = [&](K key) {
        const K place = key >> 1;
        if (values.size()) return static_cast<double>(values.data()[place]);
        return static_cast<double>(coding.score(static_cast<typename FloatBits<S>::Unsigned>(place)));
    };
    std::array<Sum, 4> sum;
    uint64_t positives = 0;
    size_t from = 0;
    for (size_t cut = 0; cut < at.size(); ++cut) {
        const double t = at.data()[cut];
        const size_t to = std::partition_point(k + from, k + keys.size(), [&](K key) { return score_of(key) >= t; }) - k;
        positives += labels_(k + from, to - from);
        for (size_t i = from; i < to && weight.size(); ++i) {
            const size_t of = k[i] & 1 ? 0 : 1;
            const double w = weight.data()[i];
            sum[of].add(w), sum[of + 2].add(w * w);
        }
        double *row = out.data() + 6 * cut;
        row[0] = static_cast<double>(to), row[1] = static_cast<double>(positives);
        for (size_t slot = 0; slot < 4; ++slot) row[slot + 2] = sum[slot];
        from = to;
    }
}

template <typename S>
CUTLINE_INLINE void decode_loop(const typename FloatBits<S>::Unsigned *keys, const Coding<S> &coding, size_t n, S *out) {
    for (size_t i = 0; i < n; ++i) out[i] = coding.score(keys[i] >> 1);
}
CUTLINE_DISPATCH(void, decode_, (const uint32_t *k, const Coding<float> &c, size_t n, float *o), (k, c, n, o), decode_loop(k, c, n, o))
CUTLINE_DISPATCH(void, decode_, (const uint64_t *k, const Coding<double> &c, size_t n, double *o), (k, c, n, o), decode_loop(k, c, n, o))

template <typename S, typename K>
void scores(In<K> keys, RangeTuple range, Mut<S> out) {
    nb::gil_scoped_release release;
    decode_(keys.data(), Coding<S>(unpacked(range)), keys.size(), out.data());
}

// One class against each other, over rows sorted by its score: right[j] becomes twice the weight of the pairs (row of the
// class, row of class j) in the right order, a tie counting half. And each row's share in the deviation of the AUC of the
// class against all others from its expectation, added to `influence` by row number.
template <typename K>
void by_class(In<K> keys, In<uint32_t> number, In<double> weight, In<int16_t> codes, double auc, double positives, double negatives,
              Mut<double> right, Mut<double> influence) {
    nb::gil_scoped_release release;
    const K *key = keys.data();
    const size_t n = keys.size();
    const bool share = influence.size() > 0, weighted = weight.size() > 0;
    double tp = 0, fp = 0;
    for (size_t i = 0, end; i < n; i = end) {
        double p = 0, q = 0;
        for (end = i; end < n && key[end] >> 1 == key[i] >> 1; ++end) {
            const double w = weighted ? weight.data()[end] : 1.0, positive = static_cast<double>(key[end] & 1);
            p += w * positive, q += w * (1 - positive);
        }
        const double of_positive = (1 - (2 * fp + q) / (2 * negatives) - auc) / positives;
        const double of_negative = ((2 * tp + p) / (2 * positives) - auc) / negatives;
        for (size_t j = i; j < end; ++j) {
            if (j + kAhead < n) CUTLINE_PREFETCH(influence.data() + (share ? number.data()[j + kAhead] : 0));
            const double w = weighted ? weight.data()[j] : 1.0;
            const auto row = number.data()[j];
            right.data()[codes.data()[row]] += w * (2 * tp + p);
            if (share) influence.data()[row] += w * (key[j] & 1 ? of_positive : of_negative);
        }
        tp += p, fp += q;
    }
}

// The first of the largest in each row of k.
template <typename S>
void argmax_rows(In<S> score, size_t k, Mut<int32_t> out) {
    nb::gil_scoped_release release;
    for (size_t i = 0; i < out.size(); ++i) {
        const S *row = score.data() + i * k;
        size_t best = 0;
        for (size_t j = 1; j < k; ++j) best = row[j] > row[best] ? j : best;
        out.data()[i] = static_cast<int32_t>(best);
    }
}

CUTLINE_DISPATCH(void, bootstrap_, (const uint32_t *k, size_t n, const float *l, const uint64_t *c, uint64_t s, uint64_t b, const Replicates &o),
                 (k, n, l, c, s, b, o), bootstrap_block(k, n, l, c, s, b, o))
CUTLINE_DISPATCH(void, bootstrap_, (const uint64_t *k, size_t n, const float *l, const uint64_t *c, uint64_t s, uint64_t b, const Replicates &o),
                 (k, n, l, c, s, b, o), bootstrap_block(k, n, l, c, s, b, o))

// Replicates `first`, `first` + 1, ...; `first` is a multiple of kLanes. See Replicates for the outputs, all flat.
template <typename K>
void bootstrap(In<K> keys, In<double> weight, In<float> loss, size_t columns, In<uint64_t> cut, uint64_t seed, size_t first,
               unsigned threads, Mut<double> auc, Mut<double> precision, Mut<uint32_t> counts, Mut<double> weights,
               Mut<double> losses) {
    nb::gil_scoped_release release;
    const size_t replicates = auc.size(), blocks = (replicates + kLanes - 1) / kLanes;
    // Outputs of replicate `first` stand at index 0.
    const Replicates out{auc.data() - first, precision.data() - first, counts.data() - 2 * first * cut.size(),
                         losses.data() - first * cut.size() * columns, first + replicates, cut.size(), columns};
    in_parts(blocks, std::max(1u, std::min<unsigned>(threads, blocks)), [&](unsigned, size_t from, size_t to) {
        for (size_t b = from; b < to; ++b) {
            const uint64_t block = first / kLanes + b;
            if (weight.size())
                bootstrap_weighted_block(keys.data(), weight.data(), keys.size(), loss.data(), cut.data(), seed, block,
                                         weights.data() - 2 * first * cut.size(), out);
            else
                bootstrap_(keys.data(), keys.size(), loss.data(), cut.data(), seed, block, out);
        }
    });
}

// How often `bootstrap` draws each row in the replicates of a block: (row, lane).
void times_drawn(uint64_t seed, uint64_t block, Mut<uint16_t> out) {
    nb::gil_scoped_release release;
    Draws draws(seed, block);
    for (size_t i = 0; i < out.size(); i += kLanes) draws.next(out.data() + i);
}

// Sum and xor over the rows of a hash of scores (k a row) and code: the same for any order of the rows.
using Hashes = std::array<uint64_t, 2>;
constexpr uint64_t kFirstHash = 0x2545F4914F6CDD1DULL;
CUTLINE_INLINE uint64_t joined(uint64_t hash, double score) { return mix(hash ^ std::bit_cast<uint64_t>(score + 0.0)); }

template <typename S, typename C>
CUTLINE_INLINE Hashes hash_column(const S *score, const C *code, size_t n) {
    uint64_t sum = 0, all = 0;
    for (size_t i = 0; i < n; ++i) {
        const uint64_t h = mix(joined(kFirstHash, static_cast<double>(score[i])) ^ static_cast<uint64_t>(static_cast<int64_t>(code[i])));
        sum += h, all ^= mix(h);
    }
    return {sum, all};
}
CUTLINE_DISPATCH(Hashes, hashes_, (const float *s, const int32_t *c, size_t n), (s, c, n), hash_column(s, c, n))
CUTLINE_DISPATCH(Hashes, hashes_, (const double *s, const int32_t *c, size_t n), (s, c, n), hash_column(s, c, n))
CUTLINE_DISPATCH(Hashes, hashes_, (const float *s, const int8_t *c, size_t n), (s, c, n), hash_column(s, c, n))
CUTLINE_DISPATCH(Hashes, hashes_, (const double *s, const int8_t *c, size_t n), (s, c, n), hash_column(s, c, n))

// A sum of hashes that know their column: no chain to wait for.
template <typename S>
CUTLINE_INLINE uint64_t hash_row(const S *row, size_t k) {
    uint64_t h = kFirstHash;
    for (size_t j = 0; j < k; ++j) h += joined((j + 1) * 0xD1B54A32D192ED03ULL, static_cast<double>(row[j]));
    return h;
}
CUTLINE_DISPATCH(uint64_t, hash_row_, (const float *r, size_t k), (r, k), hash_row(r, k))
CUTLINE_DISPATCH(uint64_t, hash_row_, (const double *r, size_t k), (r, k), hash_row(r, k))

template <typename S, typename C>
Hashes row_hashes(In<S> score, In<C> code, size_t k) {
    nb::gil_scoped_release release;
    const size_t n = score.size() / k;
    if (k == 1 && code.size()) return hashes_(score.data(), code.data(), n);
    uint64_t sum = 0, all = 0;
    for (size_t i = 0; i < n; ++i) {
        uint64_t h = k == 1 ? joined(kFirstHash, static_cast<double>(score.data()[i])) : hash_row_(score.data() + i * k, k);
        if (code.size()) h = mix(h ^ static_cast<uint64_t>(static_cast<int64_t>(code.data()[i])));
        sum += h, all ^= mix(h);
    }
    return {sum, all};
}

template <typename S>
void bind_scores(nb::module_ &m) {
    using K = typename FloatBits<S>::Unsigned;
    m.def("range", &range<S>, nb::arg("score").noconvert(), nb::arg("threads"));
    m.def("copy", &copy<S>, nb::arg("score").noconvert(), nb::arg("to").noconvert(), nb::arg("threads"));
    m.def("pack", &pack<S>, nb::arg("score").noconvert(), nb::arg("positive").noconvert(), nb::arg("range"),
          nb::arg("keys").noconvert());
    m.def("pack_parts", &pack_parts<S>, nb::arg("score").noconvert(), nb::arg("positive").noconvert(), nb::arg("range"),
          nb::arg("keys").noconvert(), nb::arg("threads"));
    m.def("pack_index", &pack_index<S>, nb::arg("score").noconvert(), nb::arg("positive").noconvert(), nb::arg("range"),
          nb::arg("drop"), nb::arg("bits"), nb::arg("out").noconvert());
    m.def("unpack_index", &unpack_index<S>, nb::arg("sorted").noconvert(), nb::arg("score").noconvert(), nb::arg("range"),
          nb::arg("drop"), nb::arg("bits"), nb::arg("keys").noconvert(), nb::arg("values").noconvert());
    m.def("pack_by_sign", &pack_by_sign<S>, nb::arg("score").noconvert(), nb::arg("positive").noconvert(),
          nb::arg("keys").noconvert());
    m.def("fill", &fill<S, K>, nb::arg("keys").noconvert(), nb::arg("range"), nb::arg("values").noconvert(),
          nb::arg("threshold").noconvert(), nb::arg("tp").noconvert(), nb::arg("fp").noconvert());
    m.def("rates", &rates<S, K>, nb::arg("keys").noconvert(), nb::arg("range"), nb::arg("values").noconvert(),
          nb::arg("positives"), nb::arg("negatives"), nb::arg("threshold").noconvert(), nb::arg("tpr").noconvert(),
          nb::arg("fpr").noconvert(), nb::arg("precision").noconvert());
    m.def("row_hashes", &row_hashes<S, int8_t>, nb::arg("score").noconvert(), nb::arg("code").noconvert(), nb::arg("k"));
    m.def("row_hashes", &row_hashes<S, int32_t>, nb::arg("score").noconvert(), nb::arg("code").noconvert(), nb::arg("k"));
    m.def("argmax_rows", &argmax_rows<S>, nb::arg("score").noconvert(), nb::arg("k"), nb::arg("out").noconvert());
    m.def("cuts", &cuts<S, K>, nb::arg("keys").noconvert(), nb::arg("range"), nb::arg("values").noconvert(),
          nb::arg("weight").noconvert(), nb::arg("at").noconvert(), nb::arg("out").noconvert());
    m.def("scores", &scores<S, K>, nb::arg("keys").noconvert(), nb::arg("range"), nb::arg("out").noconvert());
}

template <typename K>
void bind_keys(nb::module_ &m) {
    m.def("ranking", &ranking<K>, nb::arg("keys").noconvert(), nb::arg("weight").noconvert(), nb::arg("full"), nb::arg("threads"));
    m.def("bootstrap", &bootstrap<K>, nb::arg("keys").noconvert(), nb::arg("weight").noconvert(), nb::arg("loss").noconvert(),
          nb::arg("columns"), nb::arg("cut").noconvert(), nb::arg("seed"), nb::arg("first"), nb::arg("threads"),
          nb::arg("auc").noconvert(), nb::arg("precision").noconvert(), nb::arg("counts").noconvert(),
          nb::arg("weights").noconvert(), nb::arg("losses").noconvert());
    m.def("by_class", &by_class<K>, nb::arg("keys").noconvert(), nb::arg("number").noconvert(), nb::arg("weight").noconvert(),
          nb::arg("codes").noconvert(), nb::arg("auc"), nb::arg("positives"), nb::arg("negatives"), nb::arg("right").noconvert(),
          nb::arg("influence").noconvert());
    m.def("group_count", &group_count<K>, nb::arg("keys").noconvert());
    m.def("sums", &sums<K>, nb::arg("keys").noconvert(), nb::arg("weight").noconvert(), nb::arg("out").noconvert());
}

}  // namespace

NB_MODULE(_kernels, m) {
    bind_scores<float>(m);
    bind_scores<double>(m);
    bind_keys<uint32_t>(m);
    bind_keys<uint64_t>(m);
    m.def("width32", &width<float>, nb::arg("range"));
    m.def("width64", &width<double>, nb::arg("range"));
    m.def("rank_by_sign32", &rank_by_sign<float>, nb::arg("keys").noconvert(), nb::arg("front"), nb::arg("values").noconvert());
    m.def("rank_by_sign64", &rank_by_sign<double>, nb::arg("keys").noconvert(), nb::arg("front"), nb::arg("values").noconvert());
    m.def("row_numbers", &row_numbers, nb::arg("sorted").noconvert(), nb::arg("bits"), nb::arg("out").noconvert());
    m.def("gather", &gather, nb::arg("sorted").noconvert(), nb::arg("weight").noconvert(), nb::arg("bits"));
    m.def("times_drawn", &times_drawn, nb::arg("seed"), nb::arg("block"), nb::arg("out").noconvert());
    m.def("ranking_of_table", &ranking_of_table, nb::arg("tp").noconvert(), nb::arg("fp").noconvert(), nb::arg("sums"));
}
