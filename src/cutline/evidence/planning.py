"""How many rows: for an interval of a given width, for a test, for a certificate, for developing a model.

One function a question. Each answers with a `Plan`: the number, and the arithmetic that led to it in one sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cutline.errors import InputError
from cutline.evidence.proportions import z_of
from cutline.labels import Shown
from cutline.metrics import Constraint

CHUNK = 1 << 14
"""Sample sizes tried at once in a search."""
MOST = 10**8
"""Beyond so many rows a plan says that it is out of reach."""


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Shown):
    """A sample size, or the power of one, with the arithmetic.

    Attributes
    ----------
    n : int
        Rows in all.
    value : float
        What the formula gave: the size before it was rounded up, or the power.
    parts : tuple of (str, float)
        What belongs to the answer, by name: rows of each class or group, criteria, probabilities.
    why : str
        The arithmetic in one sentence.
    """

    n: int
    value: float
    parts: tuple[tuple[str, float], ...]
    why: str

    def __getitem__(self, name: str) -> float:
        """A part by name."""
        return dict(self.parts)[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"n": self.n, "value": self.value, "parts": dict(self.parts), "why": self.why}

    def __repr__(self) -> str:
        return f"Plan(n={self.n:,}): {self.why}"


def n_for_sensitivity(*, sensitivity: float, half_width: float, prevalence: float, confidence: float = 0.95) -> Plan:
    """Rows so that the interval of sensitivity (recall) is the value plus or minus `half_width` (Buderer 1996).

    Parameters
    ----------
    sensitivity : float
        The value that is expected, between 0 and 1.
    half_width : float
        Half the width of the interval.
    prevalence : float
        Share of positives among the rows that will be drawn.
    confidence : float
        Two-sided level.

    Notes
    -----
    z^2 se (1 - se) / half_width^2 positives, divided by the prevalence.

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_sensitivity
    >>> n_for_sensitivity(sensitivity=0.9, half_width=0.05, prevalence=0.1)
    Plan(n=1,383): 1.96^2 x 0.9 x 0.1 / 0.05^2 = 138.3 positives, at a prevalence of 0.1.
    """
    _inside("prevalence", prevalence)
    return _for_width("sensitivity", sensitivity, half_width, prevalence, f"a prevalence of {prevalence:g}", confidence)


def n_for_specificity(*, specificity: float, half_width: float, prevalence: float, confidence: float = 0.95) -> Plan:
    """Rows so that the interval of specificity is the value plus or minus `half_width` (Buderer 1996).

    Parameters
    ----------
    specificity, half_width, prevalence, confidence : float
        As in `n_for_sensitivity`; the rows of the other class count.

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_specificity
    >>> n_for_specificity(specificity=0.9, half_width=0.05, prevalence=0.1).n
    154
    """
    _inside("prevalence", prevalence)
    share, where = 1 - prevalence, f"a prevalence of {prevalence:g}"
    return _for_width("specificity", specificity, half_width, share, where, confidence)


def n_for_proportions(
    *, first: float, second: float, power: float = 0.8, alpha: float = 0.05, two_sided: bool = True
) -> Plan:
    """Rows in each of two groups so that a difference of their rates is found with the given power.

    Parameters
    ----------
    first, second : float
        The two rates.
    power : float
        Chance that the test rejects when these are the rates.
    alpha : float
        Level of the test.
    two_sided : bool
        Whether a difference in either direction counts.

    Notes
    -----
    The normal approximation without continuity correction, pooled under the null (Fleiss, Levin & Paik 2003), as R's
    ``power.prop.test``.

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_proportions
    >>> found = n_for_proportions(first=0.7, second=0.8)
    >>> round(found.value, 2), found["a group"], found.n
    (293.15, 294, 588)
    """
    null, apart, d = _two_rates(first, second)
    z_alpha, z_beta = _tail(alpha, two_sided), _power(power, alpha)
    value = ((z_alpha * null + z_beta * apart) / d) ** 2
    each = _up(value)
    why = f"({z_alpha:.4g} x {null:.4g} + {z_beta:.4g} x {apart:.4g})^2 / {abs(d):.4g}^2 = {value:.4g} rows a group."
    return Plan(2 * each, value, (("a group", each),), why)


def power_of_proportions(*, first: float, second: float, n: float, alpha: float = 0.05, two_sided: bool = True) -> Plan:
    """Power of the test of `n_for_proportions` with n rows in each group; `value` is the power.

    Examples
    --------
    >>> from cutline.evidence.planning import power_of_proportions
    >>> round(power_of_proportions(first=0.7, second=0.8, n=294).value, 3)
    0.801
    """
    from scipy.special import ndtr

    _at_least("n", n, 1)
    null, apart, d = _two_rates(first, second)
    z_alpha = _tail(alpha, two_sided)
    value = float(ndtr((math.sqrt(n) * abs(d) - z_alpha * null) / apart))
    why = f"(sqrt({n:g}) x {abs(d):.4g} - {z_alpha:.4g} x {null:.4g}) / {apart:.4g}: a power of {value:.4g}."
    return Plan(2 * math.ceil(n), value, (("a group", n),), why)


def n_for_auc(
    *, auc: float, power: float = 0.8, alpha: float = 0.05, controls_per_case: float = 1.0, two_sided: bool = True
) -> Plan:
    """Rows so that an area under the ROC curve is shown to exceed 0.5 (Obuchowski & McClish 1997).

    Parameters
    ----------
    auc : float
        The area that is expected; below 0.5 counts as its mirror image.
    power, alpha, two_sided
        As in `n_for_proportions`.
    controls_per_case : float
        Negatives for each positive.

    Notes
    -----
    (z_alpha sqrt(V(0.5)) + z_beta sqrt(V(auc)))^2 / (auc - 0.5)^2 cases, with the binormal variance function V (n times
    the variance); the constants are those of the paper, as in pROC.

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_auc
    >>> found = n_for_auc(auc=0.8, power=0.9)
    >>> round(found.value, 4), found["cases"], found["controls"]
    (16.6192, 17, 17)
    """
    d, null, apart = _obuchowski(auc, controls_per_case)
    z_alpha, z_beta = _tail(alpha, two_sided), _power(power, alpha)
    value = ((z_alpha * null + z_beta * apart) / d) ** 2
    cases, controls = _up(value), _up(value * controls_per_case)
    why = f"({z_alpha:.4g} x {null:.4g} + {z_beta:.4g} x {apart:.4g})^2 / {d:.4g}^2 = {value:.4g} cases."
    return Plan(cases + controls, value, (("cases", cases), ("controls", controls)), why)


def power_of_auc(*, auc: float, cases: int, controls: int, alpha: float = 0.05, two_sided: bool = True) -> Plan:
    """Power to show that an area exceeds 0.5, as in `n_for_auc`; `value` is the power.

    Examples
    --------
    >>> from cutline.evidence.planning import power_of_auc
    >>> round(power_of_auc(auc=0.75, cases=40, controls=80).value, 4)
    0.9972
    """
    from scipy.special import ndtr

    _at_least("cases", cases, 1)
    _at_least("controls", controls, 1)
    d, null, apart = _obuchowski(auc, controls / cases)
    z_alpha = _tail(alpha, two_sided)
    value = float(ndtr((math.sqrt(cases) * d - z_alpha * null) / apart))
    why = f"(sqrt({cases:g}) x {d:.4g} - {z_alpha:.4g} x {null:.4g}) / {apart:.4g}: a power of {value:.4g}."
    return Plan(cases + controls, value, (("cases", cases), ("controls", controls)), why)


def n_for_auc_width(*, auc: float, half_width: float, controls_per_case: float = 1.0, confidence: float = 0.95) -> Plan:
    """Rows so that the interval of an area is the value plus or minus `half_width` (Hanley & McNeil 1982).

    Parameters
    ----------
    auc : float
        The area that is expected.
    half_width : float
        Half the width of the interval.
    controls_per_case : float
        Negatives for each positive.
    confidence : float
        Two-sided level.

    Notes
    -----
    The smallest number of cases with z SE <= half_width, where SE^2 = (A (1 - A) + (n1 - 1) (Q1 - A^2) + (n0 - 1)
    (Q2 - A^2)) / (n1 n0), Q1 = A / (2 - A), Q2 = 2 A^2 / (1 + A).

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_auc_width
    >>> n_for_auc_width(auc=0.8, half_width=0.05).parts
    (('cases', 151), ('controls', 151))
    """
    _inside("auc", auc)
    _inside("half_width", half_width)
    _at_least("controls_per_case", controls_per_case, 1e-6)
    z = z_of(confidence)
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)

    def error(cases: int) -> float:
        controls = _up(cases * controls_per_case)
        spread = auc * (1 - auc) + (cases - 1) * (q1 - auc * auc) + (controls - 1) * (q2 - auc * auc)
        return math.sqrt(spread / (cases * controls))

    cases = _first(lambda n: z * error(n) <= half_width, "half_width")
    controls = _up(cases * controls_per_case)
    why = f"with {cases:,} cases and {controls:,} controls the standard error is {error(cases):.4g}, and z is {z:.4g}."
    return Plan(cases + controls, float(cases), (("cases", cases), ("controls", controls)), why)


def n_for_mcnemar(
    *, only_first: float, only_second: float, power: float = 0.8, alpha: float = 0.05, two_sided: bool = True
) -> Plan:
    """Rows so that McNemar's test finds which of two classifiers is right more often (Connor 1987).

    Parameters
    ----------
    only_first, only_second : float
        Expected shares of rows on which only the one is right.
    power, alpha, two_sided
        As in `n_for_proportions`.

    Notes
    -----
    (z_alpha sqrt(s) + z_beta sqrt(s - d^2))^2 / d^2 with the sum s and the difference d of the two shares.

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_mcnemar
    >>> n_for_mcnemar(only_first=0.10, only_second=0.05).n
    469
    """
    for name, share in (("only_first", only_first), ("only_second", only_second)):
        if not 0 <= share <= 1:
            raise InputError(name, repr(share), "a share of rows from 0 to 1")
    total, d = only_first + only_second, only_first - only_second
    if total > 1 or d == 0:
        wanted = "two different shares of at most 1 together: without a difference no number of rows would do"
        raise InputError("only_first, only_second", f"{only_first!r}, {only_second!r}", wanted)
    z_alpha, z_beta = _tail(alpha, two_sided), _power(power, alpha)
    value = ((z_alpha * math.sqrt(total) + z_beta * math.sqrt(total - d * d)) / d) ** 2
    n = _up(value)
    why = (
        f"({z_alpha:.4g} x sqrt({total:.4g}) + {z_beta:.4g} x sqrt({total - d * d:.4g}))^2 / {abs(d):.4g}^2 = "
        f"{value:.4g} rows, about {n * total:.0f} of them with one right."
    )
    return Plan(n, value, (("discordant", n * total),), why)


def n_to_certify(
    *, claim: Constraint, true: float, confidence: float = 0.9, power: float = 0.8, share: float = 1.0
) -> Plan:
    """Rows so that an exact binomial test certifies a claim such as ``precision >= 0.9``.

    Parameters
    ----------
    claim : Constraint
        A bound on a metric that is a proportion.
    true : float
        The value that the metric really has, better than the bound.
    confidence : float
        One-sided confidence of the certificate: it is wrong at a rate of at most 1 - confidence.
    power : float
        Chance that rows drawn at the true value certify.
    share : float
        Share of all rows that the metric rests on: of flagged rows for precision, of positives for recall.

    Returns
    -------
    Plan
        ``n`` rows in all; parts "counting" (the smallest number of rows that the metric rests on), "needed" (how many
        of them must be right, or may be wrong, to certify) and "power".

    Raises
    ------
    InputError
        A true value that is not better than the bound: no number of rows would do.

    Notes
    -----
    The chance goes up and down a little with n, since counts are whole; beyond the smallest n it may dip below `power`
    again for a few.

    Examples
    --------
    >>> import cutline as cl
    >>> from cutline.evidence.planning import n_to_certify
    >>> found = n_to_certify(claim=cl.precision >= 0.9, true=0.95, share=0.2)
    >>> found.n, found["counting"], found["needed"]
    (640, 128, 120)
    """
    if claim.metric.proportion is None:
        raise InputError("claim", str(claim), "a bound on a proportion, such as precision >= 0.9")
    lower = claim.op == ">="
    _inside(f"claim ({claim})", claim.bound)
    better = true > claim.bound if lower else true < claim.bound
    if not (better and 0 <= true <= 1):
        wanted = f"a value in [0, 1] that is {'above' if lower else 'below'} {claim.bound:g}"
        raise InputError("true", repr(true), wanted, "no number of rows would certify a claim that is false")
    _inside("confidence", confidence)
    _inside("power", power)
    if not 0 < share <= 1:
        raise InputError("share", repr(share), "a share above 0, at most 1")
    # A claim "at most" is the claim "at least" of the opposite.
    bound, real = (claim.bound, true) if lower else (1 - claim.bound, 1 - true)
    n, k, chance = _certificate(bound, real, 1 - confidence, power)
    total = _up(n / share)
    rest = "" if share == 1 else f"; {n:,} / {share:g} = {total:,} rows in all"
    count = f"{k:,} or more" if lower else f"{n - k:,} or fewer"
    odds = f"which happens with probability {chance:.4g} at {true:g}"
    why = f"{count} of {n:,} rows that count certify {claim}, {odds}{rest}."
    return Plan(total, float(n), (("counting", n), ("needed", k if lower else n - k), ("power", chance)), why)


def n_for_umbrella(*, alpha: float, delta: float = 0.1, share: float = 1.0) -> Plan:
    """Fewest rows of a class that certify an error rate of at most alpha on it with probability 1 - delta.

    Parameters
    ----------
    alpha : float
        The largest rate allowed: of false positives among negatives, or of misses among positives.
    delta : float
        Chance that the certificate is wrong.
    share : float
        Share of the class among all rows.

    Notes
    -----
    ln(delta) / ln(1 - alpha): the largest of so many scores must lie beyond the quantile (Tong, Feng & Li 2018). It is
    the least for any certificate at all; with more rows the threshold is less extreme.

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_umbrella
    >>> n_for_umbrella(alpha=0.05, delta=0.05)
    Plan(n=59): ln(0.05) / ln(1 - 0.05) = 58.4 rows of the class.
    """
    _inside("alpha", alpha)
    _inside("delta", delta)
    if not 0 < share <= 1:
        raise InputError("share", repr(share), "a share above 0, at most 1")
    value = math.log(delta) / math.log1p(-alpha)
    n = _up(value)
    why = f"ln({delta:g}) / ln(1 - {alpha:g}) = {value:.4g} rows of the class."
    return Plan(_up(n / share), value, (("of the class", n),), why)


def n_for_model(
    *,
    parameters: int,
    prevalence: float,
    c_statistic: float | None = None,
    cox_snell_r2: float | None = None,
    shrinkage: float = 0.9,
    r2_optimism: float = 0.05,
    risk_error: float = 0.05,
    mape: float | None = None,
) -> Plan:
    """Fewest rows for developing a binary prediction model by regression (Riley et al. 2019, 2020).

    Parameters
    ----------
    parameters : int
        Candidate parameters: one for each number, k - 1 for a category of k values.
    prevalence : float
        Share of events.
    c_statistic : float, optional
        ROC AUC that is expected; R^2 is worked out from it (Riley, Van Calster & Collins 2021; see `cox_snell_of_auc`).
    cox_snell_r2 : float, optional
        Cox-Snell R^2 that is expected, in place of the area.
    shrinkage : float
        Wanted: slopes need no more shrinkage than this.
    r2_optimism : float
        Wanted: the apparent Nagelkerke R^2 exceeds the true one by no more.
    risk_error : float
        Wanted: half-width of the 95 % interval of the overall risk.
    mape : float, optional
        Wanted: mean absolute error of the predicted probabilities (van Smeden et al. 2019; meant for up to 30
        parameters). Not among the criteria when left out.

    Returns
    -------
    Plan
        The largest n of all criteria; parts: n of each criterion ("shrinkage", "optimism", "risk", "mape"), "events",
        "events a parameter", "cox_snell_r2", "max_r2" (the largest that Cox-Snell's can be).

    Examples
    --------
    >>> from cutline.evidence.planning import n_for_model
    >>> found = n_for_model(parameters=10, prevalence=0.1, cox_snell_r2=0.1108)
    >>> found.n, round(found["events"], 1), round(found["max_r2"], 3)
    (762, 76.2, 0.478)
    """
    _at_least("parameters", parameters, 1)
    for name, value in (("prevalence", prevalence), ("shrinkage", shrinkage), ("risk_error", risk_error)):
        _inside(name, value)
    _inside("r2_optimism", r2_optimism)
    if (c_statistic is None) == (cox_snell_r2 is None):
        raise InputError("c_statistic, cox_snell_r2", f"{c_statistic!r}, {cox_snell_r2!r}", "one of the two")
    largest = _largest_r2(prevalence)
    r2 = (
        cox_snell_of_auc(auc=c_statistic, prevalence=prevalence)
        if c_statistic is not None
        else float(cox_snell_r2 or 0)
    )
    if not 0 < r2 < min(largest, shrinkage):
        wanted = f"above 0 and below {min(largest, shrinkage):.4g}, the most at this prevalence and shrinkage"
        raise InputError("cox_snell_r2", f"{r2:.4g}", wanted)
    needed = {
        "shrinkage": _for_shrinkage(parameters, r2, shrinkage),
        "optimism": _for_shrinkage(parameters, r2, r2 / (r2 + r2_optimism * largest)),
        "risk": (1.96 / risk_error) ** 2 * prevalence * (1 - prevalence),
    }
    if mape is not None:
        _inside("mape", mape)
        logs = -0.508 + 0.259 * math.log(prevalence) + 0.504 * math.log(parameters) - math.log(mape)
        needed["mape"] = math.exp(logs / 0.544)
    hardest = max(needed, key=lambda name: needed[name])
    n = _up(needed[hardest])
    listed = ", ".join(f"{name} {_up(value):,}" for name, value in needed.items())
    why = f"{listed} rows, with a Cox-Snell R^2 of {r2:.4g}; {hardest} asks for most."
    parts = [(name, float(_up(value))) for name, value in needed.items()]
    parts += [("events", n * prevalence), ("events a parameter", n * prevalence / parameters)]
    return Plan(n, needed[hardest], (*parts, ("cox_snell_r2", r2), ("max_r2", largest)), why)


def cox_snell_of_auc(*, auc: float, prevalence: float) -> float:
    """Cox-Snell R^2 of a model whose linear predictor is normal in both classes with equal spread.

    Parameters
    ----------
    auc : float
        The area under the ROC curve, above 0.5.
    prevalence : float
        Share of events.

    Notes
    -----
    1 - exp(-2 I), where I is the mean gain of log likelihood over the overall risk. Riley, Van Calster & Collins 2021
    simulate a million rows for it, which moves sample sizes by about half a percent from seed to seed; here it is
    integrated.

    Examples
    --------
    >>> from cutline.evidence.planning import cox_snell_of_auc
    >>> round(cox_snell_of_auc(auc=0.8, prevalence=0.1), 4)
    0.1115
    """
    from scipy.special import ndtri

    if not 0.5 < auc < 1:
        raise InputError(
            "auc", repr(auc), "an area above 0.5 and below 1", "a model no better than chance explains nothing"
        )
    _inside("prevalence", prevalence)
    d = math.sqrt(2) * float(ndtri(auc))
    # The trapezoid rule on a smooth function that dies out is exact to rounding.
    x, step = np.linspace(-12, 12, 4801, retstep=True)
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi) * step
    odds = math.log(prevalence / (1 - prevalence)) - d * d / 2

    def mean_log(shift: float, sign: int) -> float:
        return float(density @ -np.logaddexp(0, -sign * (odds + d * (x + shift))))

    with_model = prevalence * mean_log(d, 1) + (1 - prevalence) * mean_log(0.0, -1)
    return -math.expm1(-2 * (with_model - _null(prevalence)))


def _null(prevalence: float) -> float:
    """Mean log likelihood of the overall risk."""
    return prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)


def _largest_r2(prevalence: float) -> float:
    return -math.expm1(2 * _null(prevalence))


def _for_shrinkage(parameters: int, r2: float, shrinkage: float) -> float:
    return parameters / ((shrinkage - 1) * math.log1p(-r2 / shrinkage))


def _for_width(name: str, value: float, half_width: float, share: float, where: str, confidence: float) -> Plan:
    _inside(name, value)
    _inside("half_width", half_width)
    z = z_of(confidence)
    counting = z * z * value * (1 - value) / half_width**2
    which = "positives" if name == "sensitivity" else "negatives"
    why = f"{z:.4g}^2 x {value:g} x {1 - value:.4g} / {half_width:g}^2 = {counting:.4g} {which}, at {where}."
    return Plan(_up(counting / share), counting / share, ((which, _up(counting)),), why)


def _two_rates(first: float, second: float) -> tuple[float, float, float]:
    """Spread under the null, spread under the alternative, difference."""
    for name, rate in (("first", first), ("second", second)):
        if not 0 <= rate <= 1:
            raise InputError(name, repr(rate), "a rate from 0 to 1")
    if first == second:
        raise InputError("first, second", f"{first!r} twice", "two rates that differ: no n would tell equal ones apart")
    pooled = (first + second) / 2
    apart = math.sqrt(first * (1 - first) + second * (1 - second))
    return math.sqrt(2 * pooled * (1 - pooled)), max(apart, 1e-12), first - second


def _obuchowski(auc: float, controls_per_case: float) -> tuple[float, float, float]:
    """Distance from 0.5, and the roots of the variance function at 0.5 and at the area."""
    from scipy.special import ndtri

    _inside("auc", auc)
    _at_least("controls_per_case", controls_per_case, 1e-6)
    if auc == 0.5:
        raise InputError("auc", "0.5", "another area: no number of rows would show that 0.5 exceeds 0.5")
    area = max(auc, 1 - auc)

    def root(at: float) -> float:
        a = float(ndtri(at)) * 1.414  # sic: the paper's constant
        spread = 5 * a * a + 8 + (a * a + 8) / controls_per_case
        return math.sqrt(0.0099 * math.exp(-a * a / 2) * spread)

    return area - 0.5, root(0.5), root(area)


def _certificate(bound: float, true: float, delta: float, power: float) -> tuple[int, int, float]:
    """The smallest n with P(certify | true) >= power, the hits that certify, and that probability."""
    from scipy.special import bdtrc

    # Below this many rows not even n hits of n certify.
    n = max(1, math.ceil(math.log(delta) / math.log(bound) - 1e-9))
    spread = _quantile(1 - delta) * math.sqrt(bound * (1 - bound)) + _quantile(power) * math.sqrt(true * (1 - true))
    about = (spread / (true - bound)) ** 2
    if about > 2 * CHUNK:  # so many that the normal size is within a few percent
        n = int(0.9 * about)
    while n < MOST:
        sizes = np.arange(n, n + CHUNK)
        hits = _critical(sizes, bound, delta)
        chance = np.where(hits <= sizes, bdtrc(np.minimum(hits, sizes) - 1, sizes, true), 0.0)
        if (fine := np.flatnonzero(chance >= power)).size:
            i = int(fine[0])
            return int(sizes[i]), int(hits[i]), float(chance[i])
        n += CHUNK
    wanted = f"a value far enough from the bound to be told apart with {MOST:,} rows"
    raise InputError("true", repr(true), wanted)


def _critical(sizes: NDArray[np.int64], bound: float, delta: float) -> NDArray[np.float64]:
    """The fewest hits of n with P(Bin(n, bound) >= hits) <= delta; n + 1 where there are none."""
    from scipy.special import bdtrc

    low = np.zeros(sizes.size)  # fails
    high = sizes + 1.0  # passes
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        passes = bdtrc(middle - 1, sizes, bound) <= delta
        high = np.where(passes & (middle > low), middle, high)
        low = np.where(~passes & (middle < high), middle, low)
    return np.asarray(high, dtype=np.float64)


def _first(fine: Callable[[int], bool], argument: str) -> int:
    """The smallest n that is fine, of a condition that stays fine."""
    high = 1
    while not fine(high):
        high *= 2
        if high > MOST:
            raise InputError(argument, "a demand", f"one that {MOST:,} rows can meet")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fine(middle) else (middle, high)
    return high


def _tail(alpha: float, two_sided: bool) -> float:
    """The normal quantile that a test at this level has to pass."""
    _inside("alpha", alpha)
    return z_of(1 - alpha) if two_sided else _quantile(1 - alpha)


def _power(power: float, alpha: float) -> float:
    if not alpha < power < 1:
        raise InputError("power", repr(power), f"a chance above alpha ({alpha:g}) and below 1, such as 0.8")
    return _quantile(power)


def _quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))


def _up(value: float) -> int:
    """Rounded up, but for rounding errors."""
    return math.ceil(value - 1e-9 * max(1.0, value))


def _inside(name: str, value: float) -> None:
    if not isinstance(value, int | float | np.number) or not 0 < float(value) < 1:
        raise InputError(name, repr(value), "a number between 0 and 1, both excluded")


def _at_least(name: str, value: float, least: float) -> None:
    if not isinstance(value, int | float | np.number) or not least <= float(value) < math.inf:
        raise InputError(name, repr(value), f"a finite number of at least {least:g}")
