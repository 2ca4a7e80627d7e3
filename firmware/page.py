"""The status page: one document without external parts, fed by /status.json once a second.

Bytes, so that they stay in flash when this file is frozen or lies in ROMFS. The ids are names that
tests and others may rely on: board, link, uptime, free, ip, mac, rx, tx, errors, chart
(data-points), conns, counters.
"""

HTML = rb"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<title>uipy</title>
<style>
html{color-scheme:light dark}
:root{--bg:#f3f5f8;--card:#fff;--ink:#17202e;--dim:#5a6677;--line:#e2e7ee;--in:#0b7a6f;--out:#b4540a;--bad:#b3261e;--ok:#14743f}
@media(prefers-color-scheme:dark){html{color-scheme:light dark}
:root{--bg:#0e131a;--card:#171e28;--ink:#e9eef5;--dim:#98a5b6;--line:#263140;--in:#3fd0bd;--out:#ffa657;--bad:#ff8a80;--ok:#5fd694}}
*{box-sizing:border-box} body{margin:0 auto;max-width:960px;padding:20px 16px
32px;background:var(--bg);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin-bottom:16px}
h1{font-size:1.35rem;margin:0;flex:1 1 200px} h2{font-size:.95rem;margin:0 0 10px;font-weight:600}
#link{padding:3px 12px;border-radius:99px;font-size:.85rem;font-weight:600;border:1px
solid;color:var(--dim)} #link.up{color:var(--ok)}#link.down{color:var(--bad)}
#link:before{content:"";display:inline-block;width:8px;height:8px;border-radius:9px;background:currentColor;margin-right:7px}
dl{display:grid;grid-template-columns:1fr 1fr;gap:10px;margin:0 0 10px}
@media(min-width:700px){dl{grid-template-columns:1fr 1fr 1fr}} dl
div,section,details{background:var(--card);border:1px solid
var(--line);border-radius:14px;padding:12px 14px} section,details{margin-bottom:10px}
dt,small,th{color:var(--dim);font-size:.8rem;font-weight:400}
dd{margin:0;font-size:min(1.25rem,4.3vw);font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
small{display:block;white-space:nowrap;font-variant-numeric:tabular-nums;overflow:hidden;text-overflow:ellipsis}
#chart{display:block;width:100%;height:150px} #chart
path{fill:none;stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke} #chart
.a{stroke:none;fill:var(--in);opacity:.13} #chart .i{stroke:var(--in)}#chart
.o{stroke:var(--out);stroke-dasharray:5 3} #chart
line{stroke:var(--line);vector-effect:non-scaling-stroke}
.k{float:right;font-weight:400;font-size:.8rem}.k b:first-child{color:var(--in)}.k
b{color:var(--out)} table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th{text-align:left;padding:0 8px 6px 0} td{padding:7px 8px 7px 0;border-top:1px solid var(--line)}
th:last-child,td:last-child{text-align:right;padding-right:0}
td{font-size:min(1rem,3.4vw);white-space:nowrap}td:first-child{white-space:normal;overflow-wrap:anywhere}td:nth-child(3){font-size:min(.85rem,2.9vw)}
.warn{color:var(--bad)} summary{cursor:pointer;font-weight:600;font-size:.95rem}
#counters{columns:2 240px;column-gap:28px;margin:10px 0
0;padding:0;list-style:none;font-size:.85rem} #counters
li{display:flex;justify-content:space-between;padding:3px 0;border-bottom:1px solid var(--line)}
footer{color:var(--dim);font-size:.85rem}a{color:inherit} </style> <header><h1
id="board">uipy</h1><span id="link" role="status">connecting</span></header> <main> <dl>
<div><dt>Uptime</dt><dd id="uptime">-</dd><small id="python">&nbsp;</small></div> <div><dt>Free
memory</dt><dd id="free">-</dd><small id="heap">&nbsp;</small></div> <div><dt>Address</dt><dd
id="ip">-</dd><small id="mac">&nbsp;</small></div> <div><dt>Packets in</dt><dd id="rx">-</dd><small
id="rxs">&nbsp;</small></div> <div><dt>Packets out</dt><dd id="tx">-</dd><small
id="txs">&nbsp;</small></div> <div><dt>Errors</dt><dd id="errors">-</dd><small
id="again">&nbsp;</small></div> </dl> <section><h2>Packets per second <span class="k"><b>&#9644;
in</b> <b>&#9476; out</b> <span id="top"></span></span></h2> <svg id="chart" data-points="0"
role="img" aria-label="Packets per second" viewBox="0 0 59 100" preserveAspectRatio="none"> <line
x2="59" y1="2" y2="2"/><line x2="59" y1="50" y2="50"/><line x2="59" y1="98" y2="98"/> <path
class="a"/><path class="i"/><path class="o"/></svg></section> <section><h2>Connections <span
class="k" id="rows"></span></h2> <table
id="conns"><thead><tr><th>Peer<th>Port<th>State<th>Age</thead><tbody></tbody></table></section>
<details><summary>Counters</summary><ul id="counters"></ul></details> </main> <footer><a
href="/metrics">/metrics</a> for Prometheus, <a href="/status.json">/status.json</a></footer>
<script> let $=i=>document.getElementById(i),I=[],O=[],N=60,last,then let
set=(i,t)=>$(i).textContent=t,num=n=>n.toLocaleString("en") let age=s=>{let
m=s/60|0,h=m/60|0,d=h/24|0;return d?d+" d "+h%24+" h":h?h+" h "+m%60+" min":m?m+" min "+s%60+"
s":s+" s"} let brief=s=>s<600?s+" s":s<36e3?(s/60|0)+" min":s<864e3?(s/3600|0)+" h":(s/86400|0)+"
d" let size=n=>n<1e4?n+" B":n<1e7?(n/1024).toFixed(n<1e5?1:0)+" kB":(n/1048576).toFixed(1)+" MB"
let path=(v,top)=>v.map((y,i)=>(i?"L":"M")+(N-v.length+i)+" "+(98-96*y/top).toFixed(1)).join("")
let link=(c,t)=>{let e=$("link");if(e.textContent!=t)e.className=c,e.textContent=t} function
draw(i,o){ I.push(i);O.push(o);if(I.length>N)I.shift(),O.shift() let
c=$("chart"),top=Math.max(10,...I,...O),p=c.querySelectorAll("path"),a=path(I,top),r=x=>x.toFixed(0)+"
per second" p[0].setAttribute("d",a+"L59 98L"+(N-I.length)+"
98Z");p[1].setAttribute("d",a);p[2].setAttribute("d",path(O,top))
c.dataset.points=I.length;c.ariaLabel="Packets: "+r(i)+" in, "+r(o)+" out"
set("rxs",r(i));set("txs",r(o));set("top","max "+top.toFixed(0))} function show(s){ let
now=performance.now(),c=s.stat,f=s.ifaces[0],bad=0,i=c.frames_in||0,o=c.frames_out||0,t=(now-then)/1e3,u=$("counters"),b=$("conns").tBodies[0]
if(last)draw((i-last[0]&0x3fffffff)/t,(o-last[1]&0x3fffffff)/t) last=[i,o];then=now
u.textContent=b.textContent="" for(let m of[c,s.dev])for(let k in m){
if(/bad|drop|timeout|late|fail|over|reset|no_chip|app/.test(k))bad+=m[k] let
e=u.appendChild(document.createElement("li"));e.textContent=k.replace(/_/g,"
");e.appendChild(document.createElement("b")).textContent=num(m[k])} for(let r of s.conns){let
l=b.insertRow();for(let v
of[r.peer+":"+r.rport,r.port,r.state,brief(r.age)])l.insertCell().textContent=v
if(r.state=="CLOSE-WAIT"&&r.age>9)l.className="warn"} set("rows",s.conns.length+" of "+s.rows)
set("board",document.title=s.board);set("python",s.python);set("uptime",age(s.uptime))
if(s.used)set("free",size(s.free)),set("heap","of "+size(s.free+s.used))
set("ip",f.ip);set("mac",f.mac);set("rx",num(i));set("tx",num(o));set("errors",num(bad));set("again",num(c.tcp_rexmt||0)+"
sent again") $("errors").className=bad?"warn":"" f.link?link("up","link up"):link("down","link
down")} function
ask(){fetch("/status.json",{signal:AbortSignal.timeout(4e3)}).then(r=>r.ok?r.json().then(show):0).catch(e=>link("down","no
answer")).finally(()=>setTimeout(ask,1e3))} ask() </script>
"""
