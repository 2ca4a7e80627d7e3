"""The status page: one document without external parts. The board tells it once a second what
/status.json would (/events); where it does not, or has no place free, the page asks. How the board
found its place is asked of /network.json.

Bytes, so that they stay in flash when this file is frozen or lies in ROMFS. The ids are names that
tests and others may rely on: board, link, uptime, free, ip, mac, rx, tx, errors, conns, counters,
net, chart (its data-points is the number of points).
"""

HTML = rb"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="icon" href="data:,">
<title>uipy</title>
<style>
html{color-scheme:light dark}
:root{--bg:#f3f5f8;--card:#fff;--ink:#17202e;--dim:#5a6677;--line:#e2e7ee;
--in:#0b7a6f;--out:#b4540a;--bad:#b3261e;--ok:#14743f}
@media(prefers-color-scheme:dark){:root{--bg:#0e131a;--card:#171e28;--ink:#e9eef5;--dim:#98a5b6;
--line:#263140;--in:#3fd0bd;--out:#ffa657;--bad:#ff8a80;--ok:#5fd694}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:960px;padding:20px 16px 32px;background:var(--bg);color:var(--ink);
font:16px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
header{display:flex;align-items:center;gap:12px;margin-bottom:16px}
h1{font-size:1.35rem;margin:0;flex:1;line-height:1.25}
h2,summary{font-size:.95rem;margin:0 0 10px;font-weight:600}
#link{padding:3px 12px;border-radius:99px;border:1px solid;color:var(--dim);
font-size:.85rem;font-weight:600;white-space:nowrap}
#link.up{color:var(--ok)}#link.down,.warn{color:var(--bad)}
#link:before{content:"\25cf";margin-right:6px}
dl{display:grid;grid-template-columns:1fr 1fr;gap:10px;margin:0 0 10px}
@media(min-width:700px){dl{grid-template-columns:1fr 1fr 1fr}}
dl div,section,details{background:var(--card);border:1px solid var(--line);border-radius:14px;
padding:12px 14px}
section,details{margin-bottom:10px}
dt,small,th,.k{color:var(--dim);font-size:.8rem;font-weight:400}
dd{margin:0;font-size:min(1.25rem,4.3vw);font-weight:600}
dd,small{display:block;white-space:nowrap}
svg{display:block;width:100%;height:150px}
svg *{fill:none;stroke:var(--line);vector-effect:non-scaling-stroke}
path{stroke-width:2;stroke-linejoin:round}
svg .a{stroke:none;fill:var(--in);opacity:.13}
.i{stroke:var(--in);color:var(--in)}.o{stroke:var(--out);stroke-dasharray:5 3;color:var(--out)}
.k{float:right}
table{width:100%;border-collapse:collapse}
th{text-align:left;padding:0 8px 6px 0}
td{padding:7px 8px 7px 0;border-top:1px solid var(--line);font-size:min(1rem,3.4vw)}
td+td{white-space:nowrap}td:nth-child(3){font-size:min(.85rem,2.9vw)}
tr>:last-child{text-align:right;padding-right:0}
summary{cursor:pointer;margin:0}
ul{columns:2 240px;column-gap:28px;margin:10px 0 0;padding:0;font-size:.85rem}
li{display:flex;justify-content:space-between;padding:3px 0;border-bottom:1px solid var(--line)}
footer{color:var(--dim);font-size:.85rem}a{color:inherit}
</style>
<header><h1 id="board">uipy</h1><span id="link" role="status">connecting</span></header>
<main>
<dl>
<div><dt>Uptime<dd id="uptime">-<dd><small id="python">&nbsp;</small></div>
<div><dt>Free memory<dd id="free">-<dd><small id="heap">&nbsp;</small></div>
<div><dt>Address<dd id="ip">-<dd><small id="mac">&nbsp;</small></div>
<div><dt>Packets in<dd id="rx">-<dd><small id="rxs">&nbsp;</small></div>
<div><dt>Packets out<dd id="tx">-<dd><small id="txs">&nbsp;</small></div>
<div><dt>Errors<dd id="errors">-<dd><small id="again">&nbsp;</small></div>
</dl>
<section><h2>Packets per second <span class="k"><b class="i">&#9473; in</b>
<b class="o">&#9477; out</b> <span id="top"></span></span></h2>
<svg id="chart" data-points="0" role="img" aria-label="Packets per second" viewBox="0 0 59 100"
preserveAspectRatio="none"><line x2="59" y1="2" y2="2"/><line x2="59" y1="50" y2="50"/>
<line x2="59" y1="98" y2="98"/><path class="a"/><path class="i"/><path class="o"/></svg></section>
<section><h2>Connections <span class="k" id="rows"></span></h2>
<table id="conns"><thead><tr><th>Peer<th>Port<th>State<th>Age</thead><tbody></tbody></table>
</section>
<details id="place" open hidden><summary>Network</summary><ul id="net"></ul></details>
<details><summary>Counters</summary><ul id="counters"></ul></details>
</main>
<footer><a href="/metrics">/metrics</a> for Prometheus,
<a href="/status.json">/status.json</a></footer>
<script>
let $=i=>document.getElementById(i),I=[],O=[],N=60,last,then
let set=(i,t)=>$(i).textContent=t,num=n=>n.toLocaleString("en")
let add=(e,tag,t)=>{e=e.appendChild(document.createElement(tag));e.textContent=t;return e}
let age=(s,brief)=>{let u=[86400,"d",3600,"h",60,"min",1,"s"],i=0,r
while(i<6&&s<u[i])i+=2
r=(s/u[i]|0)+" "+u[i+1]
return brief||i>5?r:r+" "+(s%u[i]/u[i+2]|0)+" "+u[i+3]}
let size=n=>n<1e4?n+" B":n<1e7?(n/1024).toFixed(n<1e5?1:0)+" kB":(n/1048576).toFixed(1)+" MB"
let path=(v,top)=>v.map((y,i)=>(i?"L":"M")+(N-v.length+i)+" "+(98-96*y/top).toFixed(1)).join("")
let link=(c,t)=>{let e=$("link");if(e.textContent!=t)e.className=c,e.textContent=t}
function draw(i,o){
I.push(i);O.push(o);if(I.length>N)I.shift(),O.shift()
let c=$("chart"),top=Math.max(10,...I,...O),p=c.querySelectorAll("path"),a=path(I,top)
let d=(k,v)=>p[k].setAttribute("d",v),r=x=>x.toFixed(0)+" per second"
d(0,a+"L59 98L"+(N-I.length)+" 98Z");d(1,a);d(2,path(O,top))
c.dataset.points=I.length;c.ariaLabel="Packets: "+r(i)+" in, "+r(o)+" out"
set("rxs",r(i));set("txs",r(o));set("top","max "+top.toFixed(0))}
function show(s){
let now=performance.now(),c=s.stat,f=s.ifaces[0],i=c.frames_in||0,o=c.frames_out||0,bad=0
let t=(now-then)/1e3,u=$("counters"),b=$("conns").tBodies[0]
if(last){let a=i-last[0]&0x3fffffff,b=o-last[1]&0x3fffffff
if(s.uptime>=last[2]&&a<5e8&&b<5e8)draw(a/t,b/t)}/* else it began anew */
last=[i,o,s.uptime];then=now
u.textContent=b.textContent=""
for(let m of[c,s.dev])for(let k in m){
if(/bad|drop|timeout|late|fail|over|reset|no_chip|app/.test(k))bad+=m[k]
add(add(u,"li",k.replace(/_/g," ")),"b",num(m[k]))}
for(let r of s.conns){
let l=b.insertRow()
for(let v of[r.peer+":"+r.rport,r.port,r.state,age(r.age,1)])add(l,"td",v)
if(r.state=="CLOSE-WAIT"&&r.age>9)l.className="warn"}
set("rows",s.conns.length+" of "+s.rows+", "+s.wait+" in TIME-WAIT")
set("board",document.title=s.board);set("python",s.python);set("uptime",age(s.uptime))
if(s.used)set("free",size(s.free)),set("heap","of "+size(s.free+s.used))
set("ip",f.ip);set("mac",f.mac);set("rx",num(i));set("tx",num(o));set("errors",num(bad))
set("again",num(c.tcp_rexmt||0)+" sent again");$("errors").className=bad?"warn":""
f.link?link("up","link up"):link("down","link down")}
function ask(){
fetch("/status.json",{signal:AbortSignal.timeout(4e3)}).then(r=>r.ok?r.json().then(show):0)
.catch(e=>link("down","no answer")).finally(()=>setTimeout(ask,1e3))}
function listen(){
let e=new EventSource("/events"),t,wait=()=>{clearTimeout(t);t=setTimeout(again,5e3)}
let again=()=>{e.close();link("down","no answer");listen()}
e.onmessage=m=>{wait();show(JSON.parse(m.data))}
e.onerror=()=>{if(e.readyState==2)clearTimeout(t),ask()}/* refused: asked for instead */
wait()}
function place(){
fetch("/network.json").then(r=>r.ok&&r.json()).then(p=>{
let u=$("net"),row=(k,v)=>v&&v.length&&add(add(u,"li",k),"b",v)
if(!p)return/* a board without it */
$("place").hidden=0;u.textContent=""
row("Name",p.name);row("Address",p.from+(p.server?", "+p.server:""))
row("Lease",p.lease&&(p.lease>1e9?"for ever":age(p.lease)));row("Router",p.router)
row("Name servers",p.dns&&p.dns.join(" "));row("Domain",p.domain)
row("Time",p.time&&p.time.replace("T"," ").replace("Z"," UTC"));row("Time server",p.clock)
setTimeout(place,1e4)}).catch(e=>setTimeout(place,1e4))}
place()
typeof EventSource=="undefined"?ask():listen()
</script>
"""
