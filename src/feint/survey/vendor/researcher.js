/*! feint (Apache-2.0); what else is in it, and its licences: LICENSES.txt */
(()=>{})();
