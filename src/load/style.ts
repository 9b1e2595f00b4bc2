// How a load report looks: one style sheet, light and dark by what the reader's system prefers.
export const pageStyle = `
:root{--text:#1b1d21;--soft:#5d6470;--back:#fff;--card:#f4f5f7;--rule:#dfe2e7;--healthy:#0b62c4;--broken:#c2410c;--met:#1a7f37;--missed:#b42318;--limit:#8a3ffc}
@media(prefers-color-scheme:dark){:root{--text:#e8eaed;--soft:#a2a9b4;--back:#16181c;--card:#212429;--rule:#363b43;--healthy:#6cb0ff;--broken:#ff9a5c;--met:#5fd07f;--missed:#ff8a80;--limit:#c9a2ff}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:880px;padding:0 1rem;color:var(--text);background:var(--back)}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2.4rem 0 .3rem}h3{font-size:.95rem;font-weight:600;margin:1.5rem 0 .2rem}
.sub{color:var(--soft);margin:.1rem 0 .7rem}.none{color:var(--soft)}
.verdict{font-weight:600;margin:1.1rem 0 .2rem}.met{color:var(--met)}.missed{color:var(--missed)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:.6rem;margin:1.1rem 0}
.card{background:var(--card);border-radius:8px;padding:.6rem .8rem}.card span{display:block;color:var(--soft);font-size:.8rem;line-height:1.35}.card b{font-size:1.25rem;font-weight:600;white-space:nowrap}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.4rem 0}
th,td{text-align:left;padding:.28rem 1.1rem .28rem 0;vertical-align:top;border-bottom:1px solid var(--rule)}
th{color:var(--soft);font-weight:500;font-size:.85rem}
.figures th:not(:first-child),.figures td:not(:first-child){text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.plain b{font-weight:500;color:var(--soft)}code{font-size:.85rem}code span{display:inline-block;overflow-wrap:anywhere}
.key{font-weight:400;font-size:.85rem;color:var(--soft)}.group{white-space:nowrap}
.group::before{content:"";display:inline-block;width:.65em;height:.65em;border-radius:2px;margin:0 .4em 0 .2em;background:var(--healthy)}.group.broken::before{background:var(--broken)}
svg{width:100%;min-width:600px;height:auto;display:block}text{font:11.5px system-ui,sans-serif;fill:var(--soft);paint-order:stroke;stroke:var(--back);stroke-width:3px;stroke-linejoin:round}
.grid{stroke:var(--rule)}.mark{stroke:var(--soft);stroke-dasharray:2 3}.limit{stroke:var(--limit);stroke-width:1.4;stroke-dasharray:7 4}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.line.healthy{stroke:var(--healthy)}.line.broken{stroke:var(--broken)}
.bar.healthy{fill:var(--healthy)}.bar.broken{fill:var(--broken)}.dot{fill:transparent}.dot:hover{fill:var(--text)}
@media print{body{margin:0}h3,svg,table{break-inside:avoid}}
`;
