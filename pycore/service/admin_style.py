"""The style of the admin page: light and dark as the reader's system is, narrow and wide, without scripts or images."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --edge: #d8dce2; --grid: #e6e9ed; --text: #171a1f;
  --soft: #545d69; --link: #0b5cad; --good: #0a6b3d; --warn: #8a4b00; --bad: #b3261e; --zebra: #f8f9fa;
  --s0: #0b63b8; --s1: #b54708; --s2: #0f766e; --s3: #7c3aed; --s4: #a3185b; }
@media (prefers-color-scheme: dark) { :root { --page: #0e1115; --card: #161a20; --edge: #2c333c; --grid: #242a32;
  --text: #e9ecf0; --soft: #a2acb8; --link: #7db8f5; --good: #5fd39a; --warn: #f2b25c; --bad: #ff8f87; --zebra: #1a1f26;
  --s0: #6cb3f7; --s1: #f5a45d; --s2: #4fd0bd; --s3: #b9a0fa; --s4: #f58cbb; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  Roboto, "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip, .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.skip:focus { position: fixed; top: .5rem; left: .5rem; z-index: 1; width: auto; height: auto; clip-path: none;
  padding: .5rem 1rem; background: var(--card); }
header, main, footer { max-width: 90rem; margin: 0 auto; padding: 0 clamp(.75rem, 2.5vw, 2rem); }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.25rem; padding-top: 1.1rem;
  padding-bottom: 1rem; }
h1 { margin: 0; font-size: 1.35rem; letter-spacing: -.01em; }
h2 { margin: 2.2rem 0 .8rem; font-size: 1.1rem; }
h3 { margin: 0; font-size: .95rem; font-weight: 600; }
header p { margin: 0; color: var(--soft); }
.state { padding: .1rem .7rem; border: 1px solid currentColor; border-radius: 99px; font-weight: 600; }
.state.serving { color: var(--good); } .state.starting, .state.draining { color: var(--warn); }
.state.stalled { color: var(--bad); }
.state::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .5em;
  border-radius: 50%; background: currentColor; }
nav ul { display: flex; align-items: baseline; flex-wrap: wrap; gap: .1rem .9rem; margin: 0; padding: 0;
  list-style: none; }
header nav { margin-left: auto; }
header .sections { flex-basis: 100%; margin: 0; }
nav li, nav a { display: inline-block; line-height: 1.75rem; }
nav [aria-current] { color: var(--text); font-weight: 600; text-decoration: none; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; }
.card { margin: 0; padding: .85rem 1rem; background: var(--card); border: 1px solid var(--edge); border-radius: 10px;
  min-width: 0; }
.tiles dt { color: var(--soft); font-size: .85rem; } .tiles dd { margin: 0; }
.tiles b { display: block; font-size: 1.65rem; line-height: 1.25; font-weight: 650; letter-spacing: -.02em; }
.tiles small { color: var(--soft); font-size: .8rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: .75rem; }
.plot { display: flex; flex-direction: column; }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem 1.1rem; }
.key { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0 0 0 auto; padding: 0; list-style: none; font-size: .85rem;
  color: var(--soft); }
.key b { color: var(--text); font-weight: 600; }
.swatch { width: 24px; height: 4px; margin-right: .4em; vertical-align: middle; }
.area { display: grid; grid-template-columns: 4rem minmax(0, 1fr); margin-top: auto; padding-top: .9rem;
  font-size: .78rem; color: var(--soft); }
.area ol { display: flex; flex-direction: column; justify-content: space-between; height: 9rem; margin: -.6rem 0;
  padding: 0 .6rem 0 0; list-style: none; text-align: right; height: calc(8.5rem + 1.2rem); }
.draw { position: relative; height: 8.5rem; }
.draw svg { display: block; width: 100%; height: 100%; overflow: visible; }
.draw .empty { position: absolute; inset: 0; margin: 0; display: grid; place-items: center; }
.x { grid-column: 2; display: flex; justify-content: space-between; margin: .35rem 0 0; }
path { fill: none; stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.grid { stroke: var(--grid); stroke-width: 1; }
.fill { fill: var(--s0); stroke: none; opacity: .1; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); stroke-dasharray: 6 3; } .s2 { stroke: var(--s2);
  stroke-dasharray: 2 3; } .s3 { stroke: var(--s3); stroke-dasharray: 9 3 2 3; } .s4 { stroke: var(--s4);
  stroke-dasharray: 14 4; }
details { margin-top: .5rem; font-size: .85rem; }
summary { display: inline-block; min-height: 24px; color: var(--link); cursor: pointer; text-decoration: underline;
  text-underline-offset: .15em; }
.scroll { overflow-x: auto; }
section > .card + .card { margin-top: .75rem; }
.caption { margin: 0 0 .5rem; color: var(--soft); font-size: .88rem; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; }
th, td { padding: .38rem .75rem; text-align: right; white-space: nowrap; vertical-align: baseline;
  border-top: 1px solid var(--edge); font-weight: 400; }
thead th { border-top: 0; color: var(--soft); font-size: .8rem; vertical-align: bottom; white-space: normal;
  min-width: 4.5rem; max-width: 9rem; }
tbody th, thead th:first-child, .words { text-align: left; }
th:first-child { padding-left: 0; } tr > :last-child { padding-right: 0; }
tbody tr:hover { background: var(--zebra); }
td.wrap { white-space: normal; min-width: 15rem; }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); } .soft { color: var(--soft); }
meter { width: 7rem; height: .8rem; vertical-align: middle; }
code { font: .92em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.card > h3 { margin-bottom: .6rem; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.5rem; margin: 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 0 1.5rem; }
footer { padding-top: 2rem; padding-bottom: 2.5rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 30rem) { .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: .5rem; }
  .key { margin-left: 0; } header nav { margin-left: 0; } .area { grid-template-columns: 3.4rem minmax(0, 1fr); } }
@media (prefers-contrast: more) { :root { --soft: var(--text); --edge: var(--text); } }
@media print { .plots { display: block; } .card { break-inside: avoid; margin-bottom: .75rem; }
  header nav { display: none; } }
"""
