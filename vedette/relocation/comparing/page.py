"""How the report of a comparison looks: in light and dark, on a phone and on a wide screen, and on paper."""

STYLE = """
:root { color-scheme: light dark;
  --surface: light-dark(#fbfaf7, #14171a); --raised: light-dark(#ffffff, #1b1f23);
  --sunken: light-dark(#f3f1ec, #101315); --ink: light-dark(#1c2126, #e6e4df);
  --muted: light-dark(#5a626b, #a2a9b1); --line: light-dark(#e2ded6, #2b3137);
  --accent: light-dark(#0b6466, #6cc7c3); --bad: light-dark(#b3261e, #ff8a80);
  --good: light-dark(#2a6a35, #8fce96); --removed: light-dark(#fbe9e4, #3a2422);
  --added: light-dark(#e6f3e6, #1d3122); }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--surface); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { margin: 0 0 .25rem; font-size: 1.75rem; line-height: 1.2; text-wrap: balance; }
h1::before { display: inline-block; margin-right: .5rem; }
h1.clean { color: var(--good); } h1.clean::before { content: "✓"; }
h1.differs { color: var(--bad); } h1.differs::before { content: "≠"; }
h2 { margin: 0 0 .5rem; font-size: 1.125rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: 0 0 .75rem; overflow-wrap: anywhere; }
.kicker, .muted, footer { color: var(--muted); font-size: .875rem; }
.kicker { margin: 0; }
.files { display: grid; gap: .25rem; margin: 1rem 0 0; }
.files div { display: grid; grid-template-columns: 6rem 1fr; }
.files dt { color: var(--muted); } .files dd { margin: 0; overflow-wrap: anywhere; }
section { margin-top: 2.25rem; scroll-margin-top: 1rem; }
a { color: var(--accent); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible, pre:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--raised); }
table { width: 100%; border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .5rem .75rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; background: var(--sunken); color: var(--muted); font-size: .8125rem; font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.unequal { color: var(--bad); font-weight: 600; }
table.models td:first-child { min-width: 12rem; }
details > summary { cursor: pointer; }
section > details:not(.finding) > summary { margin-bottom: .75rem; font-weight: 600; }
.finding { margin-bottom: .5rem; padding: .625rem .875rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--raised); }
.finding > summary { overflow-wrap: anywhere; }
.finding[open] > summary { margin-bottom: .5rem; }
.finding > p:last-child { margin-bottom: .125rem; }
.finding summary code { font-weight: 600; }
.kind { font-size: .875rem; } .where { color: var(--muted); font-size: .8125rem; }
.legend { margin-bottom: .25rem; font-size: .8125rem; }
.legend span { padding: 0 .375rem; border-radius: .25rem; }
pre { margin: 0; padding: .5rem 0; overflow-x: auto; border-radius: .375rem; background: var(--sunken); }
pre > span, pre { tab-size: 2; }
pre > span { display: block; min-width: max-content; }
pre { padding-inline: .625rem; }
pre > span { margin-inline: -.625rem; padding-inline: .625rem; }
.removed { background: var(--removed); } .added { background: var(--added); } .place { color: var(--muted); }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
@media (max-width: 40rem) {
  main { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.375rem; }
  th, td { padding: .5rem; }
  table.kinds, table.kinds tbody, table.kinds tr, table.kinds td { display: block; }
  table.kinds thead { display: none; }
  table.kinds tr { padding: .5rem .25rem; border-top: 1px solid var(--line); }
  table.kinds tr:first-child { border-top: 0; }
  table.kinds td { padding: .125rem .5rem; border: 0; }
  table.kinds td.number { text-align: left; font-weight: 600; }
  table.kinds td.number::after { content: " times"; font-weight: 400; color: var(--muted); }
  table.kinds td:last-child { color: var(--muted); }
  table.models td:first-child { min-width: 9rem; overflow-wrap: anywhere; }
}
@media print {
  main { max-width: none; padding: 0; }
  .finding { break-inside: avoid; }
  .scroll, pre { overflow: visible; white-space: pre-wrap; }
}
"""
