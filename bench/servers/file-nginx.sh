# file-nginx.sh ADDRESS FILE: nginx in one process, with sendfile. It exits when its parent exits.
folder=$(dirname "$2")
port=$((20000 + $$ % 10000))
cat >"$folder/nginx.conf" <<CONF
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log stderr crit;
user root;
events { worker_connections 64; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  sendfile_max_chunk 1m;
  client_body_temp_path $folder/nginx-body;
  proxy_temp_path $folder/nginx-proxy;
  fastcgi_temp_path $folder/nginx-fastcgi;
  uwsgi_temp_path $folder/nginx-uwsgi;
  scgi_temp_path $folder/nginx-scgi;
  server { listen 127.0.0.1:$port; root $folder; }
}
CONF
echo "ready tcp:127.0.0.1:$port"
exec setpriv --pdeathsig TERM nginx -c "$folder/nginx.conf" -e stderr
